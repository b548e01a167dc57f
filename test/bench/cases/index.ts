import type { BenchCase } from './case.js';
import { catalog } from './catalog.js';
import { fairness } from './fairness.js';
import { handOver } from './hand-over.js';
import { lone } from './lone.js';
import { memory } from './memory.js';
import { processes } from './processes.js';
import { renewals } from './renewals.js';
import { scaling } from './scaling.js';

/** In the order they are run. */
export const CASES: readonly BenchCase[] = [lone, processes, fairness, handOver, memory, renewals, scaling, catalog];
