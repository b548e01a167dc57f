import { playRounds } from '../driver/rounds.js';
import type { BenchCase } from './case.js';
import { RAW, ratios } from './ratios.js';
import { joined, resultOf, throughput } from './throughput.js';

const ID = 'names';

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
    for (const callers of quick ? [64] : [1, 8, 64, 512]) {
      const plan = { names: callers, callers, sectionMs: 0, durationMs: quick ? 150 : 250 };
      const played = await playRounds(bench, entrants, plan);
      const at = { callers, names: callers, sectionMs: 0 };
      results.push(
        resultOf(this, played, (each) => [...throughput(ID, at, each), ...ratios(ID, at, each, played, [RAW])]),
      );
    }
    return joined(results);
  },
};
