import type { FencingToken } from '../fencing-token.js';

/** @internal The state of a run, as stored. `running`: it has not been recorded as ended, though its process may have died. */
export type FiringState = 'running' | 'done' | 'failed';

/** @internal What is stored about the last firing of a job. Times are in ms of the server's wall clock. */
export interface FiringRecord {
  /** Identifies the attempt that was recorded last. */
  readonly run: string;
  /** When the first call of the firing began to run. */
  readonly firedAt: number;
  /** When the last attempt began. */
  readonly startedAt: number;
  readonly endedAt: number | undefined;
  readonly state: FiringState;
  /** The number of the last attempt, from 1. */
  readonly attempt: number;
  /** The fencing token of the last attempt. */
  readonly token: FencingToken;
  /** Where the last attempt ran: host name and process id. */
  readonly where: string;
  /** How long ago the firing began, in ms; negative if the server's clock was set back since. */
  readonly ageMs: number;
}

/** @internal What a caller that holds the lock of a job wants to begin. */
export interface FiringRequest {
  /** Identifies the attempt. */
  readonly run: string;
  /** Calls within this time of each other are one firing, in ms. */
  readonly window: number;
  /** The `firedAt` of the firing that the caller has waited for; `undefined`: it has waited for none. */
  readonly firing: number | undefined;
  /** Whether a run whose process has died is repeated. */
  readonly takeOver: boolean;
  /** How many more attempts a firing has that failed. */
  readonly retry: number;
  readonly token: FencingToken;
  readonly where: string;
}

/** @internal Stores when jobs fired, by the server's clock. */
export interface FiringStore {
  /**
   * Records the beginning of an attempt, and returns the `firedAt` of its firing; `null` if that needs no attempt any more. A
   * repeated call for the same `run` only keeps the record longer.
   */
  begin(name: string, request: FiringRequest): Promise<number | null>;
  /** Records the end of an attempt, unless another one has begun since. */
  end(name: string, run: string, state: FiringState): Promise<void>;
  /** The last firing; `null` if none is known. */
  read(name: string): Promise<FiringRecord | null>;
}
