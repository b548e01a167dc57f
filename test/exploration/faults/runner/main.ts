import { cpSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeTempDir } from '../../../../sample-app/services/temp-dir.js';
import { seedFor } from './dice.js';
import { readOptions, type SuiteOptions } from './options.js';
import { describeRound, failed, describeAll } from './report.js';
import { playRound, type RoundResult } from './round.js';
import type { Topology } from '../stages/topologies.js';

const options = readOptions(process.argv.slice(2));
if (options.lib !== 'own') await installPeers();
if (options.history !== undefined) rmSync(options.history, { force: true });
console.log(`Seed ${options.seed}: repeat this run with --seed ${options.seed}`);
const results = await playAll(options);
console.log(describeAll(results));
// A run that finds fault with a library that is no part of this project has done what it was to do.
if (options.lib === 'own' && results.some(failed)) process.exitCode = 1;

async function installPeers(): Promise<void> {
  const module = new URL('../peers/install.mjs', import.meta.url).href;
  const { installPeers: install } = (await import(module)) as { installPeers(): void };
  install();
}

/** Rounds of all topologies in turn, until each has its sections or the time is over. */
async function playAll(suite: SuiteOptions): Promise<RoundResult[]> {
  const { topologies, lib, kind, seed, sections, limitMs, roundMs, only, judgeRefusals, json, history } = suite;
  const results: RoundResult[] = [];
  const end = Date.now() + limitMs;
  const done = new Map<Topology, number>();
  for (let turn = 0; ; turn += 1) {
    const wanting = topologies.filter(
      (topology) => (done.get(topology) ?? 0) < sections && !givenUp(topology, results),
    );
    // The first turn is every topology's, however short the time.
    if (wanting.length === 0 || (turn > 0 && Date.now() > end)) return results;
    for (const topology of wanting) {
      const left = sections - (done.get(topology) ?? 0);
      const share = Math.max(5_000, (end - Date.now()) / wanting.length);
      // A single topology's first round has the given seed itself: so a round is repeated by what is printed for it.
      const ownSeed = topologies.length === 1 && turn === 0 ? seed : seedFor(seed, `${topology}-${turn}`);
      const result = await play({
        topology,
        lib,
        kind,
        seed: ownSeed,
        sections: left,
        only,
        judgeRefusals,
        history,
        limitMs: Math.min(roundMs, share),
      });
      console.log(describeRound(result));
      results.push(result);
      // After each round: a long run may be ended from outside.
      if (json !== undefined) writeFileSync(json, `${JSON.stringify({ ...suite, results }, null, 2)}\n`);
      done.set(topology, (done.get(topology) ?? 0) + result.counts.sections!);
    }
  }
}

type Round = Omit<Parameters<typeof playRound>[0], 'folder'>;

/** Whether nothing comes of this topology: its rounds break off again and again. */
function givenUp(topology: Topology, results: readonly RoundResult[]): boolean {
  return results.filter((result) => result.topology === topology && result.seconds === 0).length >= 3;
}

async function play(round: Round): Promise<RoundResult> {
  const folder = makeTempDir('faults');
  try {
    const result = await playRound({ ...round, folder: folder.path }).catch((error: unknown) => broken(round, error));
    if (failed(result) && round.lib === 'own') {
      const kept = join(tmpdir(), `redis-lock-faults-${round.topology}-${round.seed}`);
      cpSync(folder.path, kept, { recursive: true, filter: (source) => !source.endsWith('resource') });
      console.log(`The histories of this round are kept in ${kept}`);
    }
    return result;
  } finally {
    folder.remove();
  }
}

/** A round that could not be played to its end says so; the others go on. */
function broken({ topology, lib, kind, seed }: Round, error: unknown): RoundResult {
  const complaints = [error instanceof Error ? (error.stack ?? error.message) : String(error)];
  return { topology, lib, kind, seed, seconds: 0, faults: {}, counts: { sections: 0 }, violations: [], complaints };
}
