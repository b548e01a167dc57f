import type { FencingToken } from '../fencing-token.js';

/** `shutdown`: the service was closed while the lock was held. */
export type LeaseState = 'held' | 'released' | 'lost' | 'shutdown';

/**
 * A lease as it appears in logs and in JSON.
 *
 * @publicApi
 */
export interface LeaseSummary {
  readonly name: string;
  readonly token: FencingToken;
  readonly state: LeaseState;
  /** How long the lock can be relied on without another renewal, in whole ms, rounded down. */
  readonly remainingMs: number;
}
