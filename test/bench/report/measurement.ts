/** One thing measured of one contestant in one case, with every round of it. */
export interface Measurement {
  /** The case's id. */
  readonly case: string;
  /** The contestant's id. */
  readonly contestant: string;
  /** What was varied: `{ callers: 64, names: 64 }`, `{ processes: 4 }`; empty where nothing was. */
  readonly at: Readonly<Record<string, number>>;
  /** What was measured: `sectionsPerSecond`, `requestsPerSection`, `handOverMs` … */
  readonly metric: string;
  /** What a value is counted in, for people: `sections/s`, `ms`, `bytes`. */
  readonly unit: string;
  /** One value a round, in the order they were run. */
  readonly rounds: readonly number[];
  readonly median: number;
  /** The smallest of the rounds. */
  readonly low: number;
  /** The largest of the rounds. */
  readonly high: number;
  /** How often two sections of one name were seen inside at once. Any disqualifies. */
  readonly overlaps: number;
  /** How often the library gave up waiting and was asked again. */
  readonly gaveUp?: number;
  /** What a reader has to know about this value. */
  readonly note?: string;
}

/** A median and how far the rounds were apart. */
export type Spread = Pick<Measurement, 'median' | 'low' | 'high'>;

/** What one case found. */
export interface CaseResult {
  readonly id: string;
  readonly title: string;
  readonly measurements: readonly Measurement[];
  /** Contestants that could not be measured, and why. */
  readonly failures: readonly { readonly contestant: string; readonly reason: string }[];
}

type Described = Pick<Measurement, 'case' | 'contestant' | 'metric' | 'unit'> &
  Partial<Pick<Measurement, 'at' | 'overlaps' | 'gaveUp' | 'note'>>;

/** @throws Error without a round: what could not be measured is a failure, not a number */
export function measured(what: Described, rounds: readonly number[]): Measurement {
  if (rounds.length === 0) throw new Error(`${what.case}: nothing was measured of ${what.contestant}.`);
  return {
    at: {},
    overlaps: 0,
    ...what,
    rounds,
    median: medianOf(rounds),
    low: Math.min(...rounds),
    high: Math.max(...rounds),
  };
}

/** The middle value, or the mean of the two in the middle. */
export function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)] ?? Number.NaN;
  return Number.isInteger(middle) ? ((sorted[middle - 1] ?? Number.NaN) + upper) / 2 : upper;
}
