import type { Bench } from '../bench.js';
import type { ContestantInfo, LockMode } from '../contestants/contestant.js';
import type { Entrant } from '../contestants/index.js';
import type { CaseResult } from '../report/measurement.js';

/** One question that the bench asks of all contestants. */
export interface BenchCase {
  /** As on the command line. */
  readonly id: string;
  readonly title: string;
  /** What is measured and how, in a few sentences. */
  readonly measures: string;
  /** The kinds of locks that it is about. Default: exclusive ones. */
  readonly modes?: readonly LockMode[];
  takesPart(info: ContestantInfo): boolean;
  /** @param entrants who takes part and was not left out on the command line */
  run(bench: Bench, entrants: readonly Entrant[]): Promise<CaseResult>;
}

/** Who takes part in a case, of those that were not left out on the command line. */
export function takingPart({ modes = ['exclusive'], takesPart }: BenchCase, entrants: readonly Entrant[]): Entrant[] {
  return entrants.filter((entrant) => modes.includes(entrant.mode ?? 'exclusive') && takesPart(entrant));
}
