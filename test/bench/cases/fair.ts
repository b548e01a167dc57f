import type { BenchCase } from './case.js';
import { scaleProcesses } from './scaling-processes.js';

const ID = 'fair';

/** What one more process costs where all are served in the order of their calls. */
export const fair: BenchCase = {
  id: ID,
  title: 'A fair lock, one caller in each of many processes',
  measures:
    '2, 16 and 64 processes with one caller each want one lock, again and again, for sections of 1 ms. The case `scaling` has the same for ' +
    'exclusive locks.',
  modes: ['fair'],
  takesPart: ({ processes }) => processes === 'many',
  async run(bench, entrants) {
    return { id: ID, title: this.title, ...(await scaleProcesses(bench, entrants, { id: ID, sizes: [2, 16, 64] })) };
  },
};
