import type { BenchCase } from './case.js';
import { catalog } from './catalog.js';
import { fair } from './fair.js';
import { fairness } from './fairness.js';
import { handOver } from './hand-over.js';
import { hot } from './hot.js';
import { lone } from './lone.js';
import { memory } from './memory.js';
import { names } from './names.js';
import { processes } from './processes.js';
import { readers } from './readers.js';
import { renewals } from './renewals.js';
import { scaling } from './scaling.js';
import { semaphore } from './semaphore.js';
import { waiting } from './waiting.js';

/** In the order they are run. */
export const CASES: readonly BenchCase[] = [
  lone,
  names,
  hot,
  processes,
  fairness,
  handOver,
  waiting,
  memory,
  renewals,
  semaphore,
  fair,
  readers,
  scaling,
  catalog,
];
