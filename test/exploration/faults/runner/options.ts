import { parseArgs } from 'node:util';
import { kindOf, needsOneState, type LockKind } from '../kinds.js';
import { isQuorum, TOPOLOGIES, type Topology } from '../stages/topologies.js';

export interface SuiteOptions {
  readonly topologies: readonly Topology[];
  readonly lib: string;
  readonly kind: LockKind;
  readonly seed: number;
  /** Of each topology, over all rounds. */
  readonly sections: number;
  /** Of all topologies together. */
  readonly limitMs: number;
  /** Of one round. */
  readonly roundMs: number;
  /** Only faults whose names it matches. */
  readonly only: RegExp;
  /** Whether a caller that does not wait may be told that a lock is busy which no caller has. */
  readonly judgeRefusals: boolean;
  /** Where the result goes as JSON. */
  readonly json: string | undefined;
  /** Where the histories of all rounds go, one event a line. */
  readonly history: string | undefined;
}

export const LIBS = ['own', 'redlock4', 'redlock5', 'redis-semaphore', 'redlock-universal'];

/** @throws Error that says how it is used */
export function readOptions(args: readonly string[]): SuiteOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      topology: { type: 'string', default: 'all' },
      lib: { type: 'string', default: 'own' },
      kind: { type: 'string', default: 'exclusive' },
      permits: { type: 'string' },
      seed: { type: 'string' },
      sections: { type: 'string' },
      minutes: { type: 'string' },
      'round-seconds': { type: 'string', default: '60' },
      only: { type: 'string', default: '' },
      'judge-refusals': { type: 'boolean', default: false },
      json: { type: 'string' },
      history: { type: 'string' },
    },
  });
  const kind = kindOf(values.kind, values.permits === undefined ? undefined : number('permits', values.permits, 1));
  const possible = needsOneState(kind) ? TOPOLOGIES.filter((each) => !isQuorum(each)) : TOPOLOGIES;
  const chosen = values.topology === 'all' ? possible : values.topology.split(',');
  const unknown = chosen.find((each) => !possible.includes(each as Topology));
  if (unknown !== undefined) throw new Error(`--topology must be "all" or of: ${possible.join(', ')}.`);
  const lib = values.lib === 'ours' ? 'own' : values.lib;
  if (!LIBS.includes(lib)) throw new Error(`--lib must be one of: ${LIBS.join(', ')}.`);
  if (lib !== 'own' && kind.name !== 'exclusive') throw new Error('Other libraries are for --kind exclusive.');
  const noLimit = values.sections !== undefined && values.minutes === undefined;
  return {
    topologies: chosen as readonly Topology[],
    lib,
    kind,
    seed: values.seed === undefined ? Math.floor(Math.random() * 2 ** 32) : number('seed', values.seed, 0),
    sections: values.sections === undefined ? Infinity : number('sections', values.sections, 1),
    limitMs: noLimit ? Infinity : number('minutes', values.minutes ?? '3', 0) * 60_000,
    roundMs: number('round-seconds', values['round-seconds'], 1) * 1_000,
    only: new RegExp(values.only),
    judgeRefusals: values['judge-refusals'],
    json: values.json,
    history: values.history,
  };
}

function number(option: string, text: string, min: number): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value < min) throw new Error(`--${option} is not "${text}".`);
  return value;
}
