import type { Bench } from '../bench.js';
import { playRounds } from '../driver/rounds.js';
import type { BenchCase } from './case.js';
import { RAW, ratios } from './ratios.js';
import { joined, resultOf, throughput } from './throughput.js';

const ID = 'names';
/** The number that the aims speak of; the others are played for three rounds. */
const USUAL = 64;

/** Many callers that are in nobody's way. */
export const names: BenchCase = {
  id: ID,
  title: 'As many callers as names, empty sections',
  measures:
    'Each caller takes and releases a lock of its own again and again, all in one process: what a library does about many requests at once.',
  takesPart: ({ id, tunesWaiting }) => id !== 'end-to-end' && tunesWaiting !== true,
  async run(bench, entrants) {
    const { quick } = bench.options;
    const results = [];
    const fewer: Bench = { ...bench, options: { ...bench.options, rounds: Math.min(3, bench.options.rounds) } };
    for (const callers of quick ? [USUAL] : [1, 8, USUAL, 512]) {
      const plan = { names: callers, callers, sectionMs: 0, durationMs: quick ? 150 : 250 };
      const warmUpMs = quick ? 600 : 2_000;
      const played = await playRounds(callers === USUAL ? bench : fewer, entrants, plan, { warmUpMs });
      const at = { callers, names: callers, sectionMs: 0 };
      results.push(
        resultOf(this, played, (each) => [...throughput(ID, at, each), ...ratios(ID, at, each, played, [RAW])]),
      );
    }
    return joined(results);
  },
};
