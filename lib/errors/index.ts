import type { FencingToken } from '../fencing-token.js';
import type { LockHolder } from '../lock-holder.js';
import { describeHolder } from './describe-holder.js';
import { quoteName } from './quote-name.js';

/** The stable codes of all errors of this library. */
export type LockErrorCode =
  'LOCK_BUSY' | 'LOCK_LOST' | 'LOCK_ABORTED' | 'LOCK_UNAVAILABLE' | 'LOCK_NAME' | 'LOCK_CONFIG' | 'LOCK_SHUTDOWN';

const BRAND = Symbol.for('nestjs-redis-lock/error');

/**
 * The base class of all errors of this library.
 *
 * `instanceof` works across copies of the package: an application may load the ES module build and the CommonJS build
 * at the same time, and each has its own classes.
 *
 * @publicApi
 */
export abstract class LockError extends Error {
  /** Identifies the kind of error; stable across releases. */
  abstract readonly code: LockErrorCode;

  /** The lock's name without the key prefix; `undefined` if the error is not about a single lock. */
  readonly lockName: string | undefined;

  constructor(message: string, lockName?: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.lockName = lockName;
    Object.defineProperty(this, BRAND, { value: new.target.name });
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    if (Function.prototype[Symbol.hasInstance].call(this, value)) return true;
    const brand: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, BRAND) : undefined;
    if (typeof brand !== 'string') return false;
    return this === LockError || this.name === brand;
  }
}

/**
 * Why the wait for a busy lock ended.
 *
 * - `held`: another caller holds it, and `wait` is over.
 * - `crowded`: `maxWaiting` callers already wait for it in this process.
 * - `nested`: the call comes from a section of the same lock, with `nested: 'refuse'`.
 */
export type LockBusyReason = 'held' | 'crowded' | 'nested';

export interface LockBusyDetails {
  reason: LockBusyReason;
  waitedMs: number;
  remainingMs: number | undefined;
  /** What was waited for, if it was no lock. */
  readonly of?: 'semaphore' | 'latch' | undefined;
  /** The process that holds the lock, if it is known. */
  readonly holder?: LockHolder | undefined;
}

/**
 * The lock could not be acquired within `wait`; see `reason`.
 *
 * @publicApi
 */
export class LockBusyError extends LockError {
  readonly code = 'LOCK_BUSY';
  readonly reason: LockBusyReason;

  /** How long the caller waited, in whole ms. */
  readonly waitedMs: number;

  /**
   * The remaining time of the holder's lease when it was last seen, in whole ms, rounded up; `undefined` if it is
   * unknown.
   */
  readonly remainingMs: number | undefined;

  /**
   * The process that held the lock when it was last seen, if it is known: after a wait, for a lock that this process or another
   * service of this library holds. `undefined` with `wait: 0` if another process holds it, since that takes no further request.
   */
  readonly holder: LockHolder | undefined;

  constructor(lockName: string, { reason, waitedMs, remainingMs, of, holder }: LockBusyDetails) {
    const left = remainingMs === undefined ? undefined : Math.ceil(remainingMs);
    const waited = Math.round(waitedMs);
    super(describe(lockName, { reason, waitedMs: waited, remainingMs: left, of, holder }), lockName);
    this.reason = reason;
    this.waitedMs = waited;
    this.remainingMs = left;
    this.holder = holder;
  }
}

function describe(lockName: string, { reason, waitedMs, remainingMs, of, holder }: LockBusyDetails): string {
  const lock = quoteName(lockName);
  if (reason === 'crowded') {
    return `Too many callers wait for ${of === undefined ? 'lock' : of === 'latch' ? 'latch' : 'permits of'} ${lock} in this process. Raise "maxWaiting", or use a shorter "wait".`;
  }
  if (reason === 'nested') {
    return (
      `Lock ${lock} is already held by the section that this call comes from, and "nested" is 'refuse'. Use 'join' to share ` +
      `its lease, or 'wait' to wait for the lock like any other caller.`
    );
  }
  if (of === 'latch') {
    return `Latch ${lock} is still closed; waited ${String(waitedMs)} ms. Raise "wait" to wait longer.`;
  }
  if (of === 'semaphore') {
    return `Semaphore ${lock} has too few free permits; waited ${String(waitedMs)} ms. Raise "wait" to wait longer.`;
  }
  const lease = remainingMs === undefined ? '' : ` Its holder's lease has ${String(remainingMs)} ms left.`;
  const by = holder === undefined ? 'another caller' : describeHolder(holder);
  return `Lock ${lock} is held by ${by}; waited ${String(waitedMs)} ms.${lease} Raise "wait" to wait longer.`;
}

/**
 * How a lock was lost.
 *
 * - `expired`: the lease could not be renewed before its deadline, by this process's own clock.
 * - `released`: the lease was used after its holder had released it.
 * - `taken`: Redis no longer has the lock for this caller (the lease expired, the lock was released by force, or the
 *   key was deleted).
 */
export type LockLostReason = 'expired' | 'released' | 'taken';

const WHY: Record<LockLostReason, string> = {
  expired: 'its lease ran out before a renewal succeeded',
  released: 'it was released before',
  taken: 'Redis no longer knows this holder',
};

/**
 * The lock was lost while the code under it still ran. It is also the reason of the lease's `signal`.
 *
 * @publicApi
 */
export class LockLostError extends LockError {
  readonly code = 'LOCK_LOST';
  readonly reason: LockLostReason;

  /** The fencing token of the lease that was lost. */
  readonly token: FencingToken;

  constructor(lockName: string, token: FencingToken, reason: LockLostReason) {
    super(
      `Lock ${quoteName(lockName)} was lost: ${WHY[reason]}. Stop what it guards: another holder may be at work.`,
      lockName,
    );
    this.reason = reason;
    this.token = token;
  }
}

/**
 * The caller's `signal` was aborted while it waited, or while it led. `cause` is the signal's reason.
 *
 * @publicApi
 */
export class LockAbortedError extends LockError {
  readonly code = 'LOCK_ABORTED';

  constructor(lockName: string, reason: unknown, doing: 'Waiting for' | 'Leading under' = 'Waiting for') {
    super(`${doing} lock ${quoteName(lockName)} was aborted by the caller's signal.`, lockName, { cause: reason });
  }
}

export interface LockUnavailableDetails {
  cause?: unknown;
  /** Whether the same request may succeed a moment later. */
  retryable: boolean;
  /** Whether Redis may have executed the request: it was sent, and no reply was read. */
  outcomeUnknown: boolean;
}

/**
 * Redis cannot be reached, did not reply in time, or refused the request. It is unknown whether the lock is free.
 * `cause` is the error of the client or the server.
 *
 * @publicApi
 */
export class LockUnavailableError extends LockError {
  readonly code = 'LOCK_UNAVAILABLE';

  /**
   * Whether the same request may succeed a moment later (a failover, a restart), or an operator must act (permissions,
   * a key of another type).
   */
  readonly retryable: boolean;

  /** Whether Redis may have executed the request: it was sent, and no reply was read. */
  readonly outcomeUnknown: boolean;

  /** @internal The message without the lock's name. */
  readonly reason: string;

  constructor(what: string, lockName: string | undefined, details: LockUnavailableDetails) {
    const lock = lockName === undefined ? 'Locks are' : `Lock ${quoteName(lockName)} is`;
    super(`${lock} unavailable: ${what}`, lockName, details.cause === undefined ? undefined : { cause: details.cause });
    this.reason = what;
    this.retryable = details.retryable;
    this.outcomeUnknown = details.outcomeUnknown;
    Object.defineProperty(this, 'reason', { enumerable: false });
  }

  /** @internal The same failure for one lock, since a request to Redis may serve many locks. */
  forLock(lockName: string): LockUnavailableError {
    return this.lockName === lockName ? this : new LockUnavailableError(this.reason, lockName, this);
  }
}

/**
 * A lock's name, or the template of one, cannot be used.
 *
 * @publicApi
 */
export class LockNameError extends LockError {
  readonly code = 'LOCK_NAME';
}

/**
 * An option, a client or a decorated member cannot be used.
 *
 * @publicApi
 */
export class LockConfigError extends LockError {
  readonly code = 'LOCK_CONFIG';
}

/**
 * The lock service is shutting down and grants no new locks.
 *
 * @publicApi
 */
export class LockShutdownError extends LockError {
  readonly code = 'LOCK_SHUTDOWN';

  constructor(lockName?: string) {
    const lock = lockName === undefined ? 'Locks are' : `Lock ${quoteName(lockName)} is`;
    super(`${lock} not granted any more: the lock service is shutting down.`, lockName);
  }
}
