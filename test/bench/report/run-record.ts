import type { BenchCase } from '../cases/case.js';
import type { ContestantInfo } from '../contestants/contestant.js';
import type { CaseResult } from './measurement.js';

/** A whole run, as its page shows it. */
export interface RunRecord {
  /** See `describeMachine`. */
  readonly machine: string;
  /** Of the sources; empty outside of a clone. */
  readonly commit: string;
  readonly startedAt: Date;
  readonly tookMs: number;
  readonly quick: boolean;
  /** Timed rounds of each contestant in most cases. */
  readonly rounds: number;
  readonly contestants: readonly ContestantInfo[];
  /** Libraries that did not take part at all, and why. */
  readonly absent: readonly { readonly file: string; readonly reason: string }[];
  readonly results: readonly CaseResult[];
  readonly cases: readonly (Pick<BenchCase, 'id' | 'measures'> & { readonly tookMs: number })[];
}
