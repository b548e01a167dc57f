import type { ContestantInfo } from '../contestants/contestant.js';
import type { Machine } from './machine.js';
import type { CaseResult } from './measurement.js';

/** A whole run, as it is kept. */
export interface RunRecord {
  readonly machine: Machine;
  /** Of the sources; empty outside of a clone. */
  readonly commit: string;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly tookMs: number;
  readonly quick: boolean;
  /** Timed rounds of each contestant in most cases. */
  readonly rounds: number;
  readonly contestants: readonly ContestantInfo[];
  /** Libraries that did not take part at all, and why. */
  readonly absent: readonly { readonly file: string; readonly reason: string }[];
  readonly results: readonly CaseResult[];
  /** What the cases measure, by their ids, and how long each took. */
  readonly cases: readonly {
    readonly id: string;
    readonly title: string;
    readonly measures: string;
    readonly tookMs: number;
  }[];
}

/** As JSON, one measurement a line, so that two runs can be compared by eye. */
export function toJson(record: RunRecord): string {
  const { results, ...rest } = record;
  const head = JSON.stringify(rest, null, 2).slice(0, -2);
  const blocks = results.map(({ id, title, failures, measurements }) => {
    const lines = measurements.map((each) => `      ${JSON.stringify(each, rounded)}`);
    const intro = `"id": ${JSON.stringify(id)}, "title": ${JSON.stringify(title)}, "failures": ${JSON.stringify(failures)}`;
    return `    { ${intro}, "measurements": [\n${lines.join(',\n')}\n    ] }`;
  });
  return `${head},\n  "results": [\n${blocks.join(',\n')}\n  ]\n}\n`;
}

/** Six digits are more than any of this is good for. */
function rounded(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(6)) : value;
}
