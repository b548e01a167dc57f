import type { Bench } from '../bench.js';
import type { ContestantInfo } from '../contestants/contestant.js';
import type { Entrant } from '../contestants/index.js';
import type { CaseResult } from '../report/measurement.js';

/** One question that the bench asks of all contestants. */
export interface BenchCase {
  /** As on the command line. */
  readonly id: string;
  readonly title: string;
  /** What is measured and how, in a few sentences. */
  readonly measures: string;
  takesPart(info: ContestantInfo): boolean;
  /** @param entrants who takes part and was not left out on the command line */
  run(bench: Bench, entrants: readonly Entrant[]): Promise<CaseResult>;
}
