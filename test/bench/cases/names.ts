import type { Bench } from '../bench.js';
import type { Entrant } from '../contestants/index.js';
import { playRounds, type Played } from '../driver/rounds.js';
import type { Measurement } from '../report/measurement.js';
import { ahead } from './ahead.js';
import type { BenchCase } from './case.js';
import { RAW, ratios } from './ratios.js';
import { joined, resultOf, throughput } from './throughput.js';

const ID = 'names';
/** The number that the aims speak of, and that all contestants play. */
const USUAL = 64;
/** Those that only our own, the floors and so many peers play, three rounds each. */
const FURTHER = [1, 8, 512];
const PEERS_AHEAD = 6;

/** Many callers that are in nobody's way. */
export const names: BenchCase = {
  id: ID,
  title: 'As many callers as names, empty sections',
  measures:
    'Each caller takes and releases a lock of its own again and again, all in one process: what a library does about many requests at once. ' +
    'All contestants with 64 callers; our own, the floors and the peers that were ahead there with the other numbers, too.',
  takesPart: ({ id, tunesWaiting }) => id !== 'end-to-end' && tunesWaiting !== true,
  async run(bench, entrants) {
    const { quick, rounds } = bench.options;
    const usual = await play(bench, entrants, USUAL, quick ? 600 : 1_500);
    const results = [resultOf(this, usual, (each) => measure(USUAL, each, usual))];
    const fewer: Bench = { ...bench, options: { ...bench.options, rounds: Math.min(3, rounds) } };
    for (const callers of quick ? [] : FURTHER) {
      const played = await play(fewer, ahead(usual, PEERS_AHEAD), callers, 500);
      results.push(resultOf(this, played, (each) => measure(callers, each, played)));
    }
    return joined(results);
  },
};

function play(bench: Bench, entrants: readonly Entrant[], callers: number, warmUpMs: number): Promise<Played[]> {
  const plan = { names: callers, callers, sectionMs: 0, durationMs: bench.options.quick ? 150 : 250 };
  return playRounds(bench, entrants, plan, { warmUpMs });
}

function measure(callers: number, each: Played, all: readonly Played[]): Measurement[] {
  const at = { callers, names: callers, sectionMs: 0 };
  return [...throughput(ID, at, each), ...ratios(ID, at, each, all, [RAW])];
}
