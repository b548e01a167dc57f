import type { HistoryEvent } from '../history.js';
import type { RunRecord } from '../run-record.js';

export type Property =
  | 'exclusion'
  | 'token-repeated'
  | 'token-went-back'
  | 'stale-write'
  | 'wrongly-refused'
  | 'not-signalled'
  | 'forgotten'
  | 'unfinished'
  | 'unexpected'
  | 'left-free'
  | 'refused-free'
  | 'out-of-order'
  | 'left-behind'
  | 'malformed';

/** A promise that was broken, with the events that show it. */
export interface Violation {
  readonly property: Property;
  readonly message: string;
  readonly events: readonly HistoryEvent[];
}

/** What a machine that is busy or a command that is under way may add, in ms. 0 in a simulation. */
export interface Allowances {
  /** How much later than its `wait` a call may end. */
  readonly waitMs: number;
  /** How much later than its lease's end a section that is not paused may be told. */
  readonly signalMs: number;
  /** How long a free lock may stay free while healthy callers want it and the servers can grant it. */
  readonly freeMs: number;
  /** Whether a caller that does not wait may be refused a free lock: then it is only counted. */
  readonly refusals: boolean;
}

/** What one check found: violations, and figures for the table. */
export interface Findings {
  readonly violations: Violation[];
  readonly counts?: Readonly<Record<string, number>>;
}

export type Check = (run: RunRecord, allowances: Allowances) => Findings;
