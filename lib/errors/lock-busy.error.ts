import { LockError } from './lock-error.js';
import { quoteName } from './quote-name.js';

/**
 * Why a busy lock was not waited for any longer.
 *
 * - `held`: somebody else holds it, and `wait` is over.
 * - `crowded`: `maxWaiting` callers already wait for it in this process.
 * - `nested`: the calling code holds it itself, and `nested: 'refuse'` forbids to join.
 */
export type LockBusyReason = 'held' | 'crowded' | 'nested';

export interface LockBusyDetails {
  reason: LockBusyReason;
  waitedMs: number;
  remainingMs: number | undefined;
}

/**
 * The lock was held by somebody else for as long as the caller was ready to wait.
 *
 * @publicApi
 */
export class LockBusyError extends LockError {
  readonly code = 'LOCK_BUSY';
  readonly reason: LockBusyReason;

  /** How long the caller waited, in whole ms. */
  readonly waitedMs: number;

  /**
   * How long the holder's lease still ran when it was last seen, in whole ms, rounded up; `undefined` where that is not
   * known.
   */
  readonly remainingMs: number | undefined;

  constructor(lockName: string, { reason, waitedMs, remainingMs }: LockBusyDetails) {
    const left = remainingMs === undefined ? undefined : Math.ceil(remainingMs);
    const waited = Math.round(waitedMs);
    super(describe(lockName, { reason, waitedMs: waited, remainingMs: left }), lockName);
    this.reason = reason;
    this.waitedMs = waited;
    this.remainingMs = left;
  }
}

function describe(lockName: string, { reason, waitedMs, remainingMs }: LockBusyDetails): string {
  const lock = quoteName(lockName);
  if (reason === 'crowded') {
    return `Too many callers wait for lock ${lock} in this process. Raise "maxWaiting", or use a shorter "wait".`;
  }
  if (reason === 'nested') {
    return (
      `Lock ${lock} is already held by the section that this call comes from, and "nested" is 'refuse'. Use 'join' to share ` +
      `its lease, or 'wait' to wait for the lock like any other caller.`
    );
  }
  const lease = remainingMs === undefined ? '' : ` Its holder's lease has ${String(remainingMs)} ms left.`;
  return `Lock ${lock} is held by somebody else; waited ${String(waitedMs)} ms.${lease} Raise "wait" to wait longer.`;
}
