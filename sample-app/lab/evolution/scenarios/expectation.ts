import type { CellCounts } from '../evolution-table.js';

/** The expected result of a system in a scenario. */
export type Expectation = Expected | NotApplicable;

export interface Expected {
  /** For people. */
  readonly text: string;
  /**
   * The expected counts. Those that are left out must be harmless: one caller inside, nothing deleted, no deadlock,
   * nothing stale.
   */
  readonly facts: Partial<Facts> & Pick<Facts, 'rebuilds'>;
}

export interface NotApplicable {
  readonly notApplicable: string;
}

/** The counts that do not depend on the speed of the machine. */
export type Facts = Omit<CellCounts, 'waitMs' | 'commands'>;

const good: Omit<Facts, 'rebuilds'> = {
  mostInside: 1,
  foreignDeletes: 0,
  deadlock: false,
  staleWrites: 0,
  toldLost: null,
};

export function factsOf(expected: Expected): Facts {
  return { ...good, ...expected.facts };
}

export function sameFacts(expected: Facts, seen: CellCounts): boolean {
  return (Object.keys(expected) as (keyof Facts)[]).every((fact) => expected[fact] === seen[fact]);
}
