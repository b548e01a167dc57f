import type { BenchCase } from './case.js';
import { lone } from './lone.js';

/** In the order they are run. */
export const CASES: readonly BenchCase[] = [lone];
