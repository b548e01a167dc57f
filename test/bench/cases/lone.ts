import { playRounds } from '../driver/rounds.js';
import type { BenchCase } from './case.js';
import { resultOf, throughput } from './throughput.js';

const ID = 'lone';

/** Acquire and release without anybody else. */
export const lone: BenchCase = {
  id: ID,
  title: 'Acquire and release, one caller',
  measures: 'One caller takes and releases one lock again and again, with nothing to do in between.',
  takesPart: ({ exclusive, tunesWaiting }) => exclusive && tunesWaiting !== true,
  async run(bench, entrants) {
    const durationMs = bench.options.quick ? 200 : 500;
    const plan = { names: 1, callers: 1, sectionMs: 0, durationMs, record: true };
    const played = await playRounds(bench, entrants, plan);
    return resultOf(this, played, (each) => throughput(ID, { callers: 1, names: 1 }, each));
  },
};
