import { playRounds } from '../driver/rounds.js';
import type { BenchCase } from './case.js';
import { RAW, ratios } from './ratios.js';
import { resultOf, throughput } from './throughput.js';

const ID = 'lone';

/** Acquire and release without anybody else. */
export const lone: BenchCase = {
  id: ID,
  title: 'Acquire and release, one caller',
  measures: 'One caller takes and releases one lock again and again, with nothing to do in between.',
  takesPart: ({ id, tunesWaiting }) => id !== 'end-to-end' && tunesWaiting !== true,
  async run(bench, entrants) {
    const durationMs = bench.options.quick ? 150 : 300;
    const plan = { names: 1, callers: 1, sectionMs: 0, durationMs, record: true };
    // The first case of most processes: until its code is compiled a library shows how much of it there is.
    const played = await playRounds(bench, entrants, plan, { warmUpMs: bench.options.quick ? 600 : 1_800 });
    const at = { callers: 1, names: 1, sectionMs: 0 };
    return resultOf(this, played, (each) => [...throughput(ID, at, each), ...ratios(ID, at, each, played, [RAW])]);
  },
};
