import type { FencingToken } from '../fencing-token.js';
import { quoteName } from './quote-name.js';

/** The stable codes of every error this library throws on purpose. */
export type LockErrorCode =
  'LOCK_BUSY' | 'LOCK_LOST' | 'LOCK_ABORTED' | 'LOCK_UNAVAILABLE' | 'LOCK_NAME' | 'LOCK_CONFIG' | 'LOCK_SHUTDOWN';

const BRAND = Symbol.for('nestjs-redis-lock/error');

/**
 * The base of every error this library throws on purpose.
 *
 * `instanceof` works across copies of the package: an application may load the ES module build and the CommonJS build
 * side by side, and each has classes of its own.
 *
 * @publicApi
 */
export abstract class LockError extends Error {
  /** Says which error this is; stable over releases. */
  abstract readonly code: LockErrorCode;

  /** The lock's name without the key prefix; `undefined` where no single lock is meant. */
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
 * Why a busy lock was not waited for any longer.
 *
 * - `held`: another caller holds it, and `wait` is over.
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
 * The lock was held by another caller for the whole `wait`.
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
  return `Lock ${lock} is held by another caller; waited ${String(waitedMs)} ms.${lease} Raise "wait" to wait longer.`;
}

/**
 * How a lock was lost.
 *
 * - `expired`: the lease could not be renewed before its deadline, by this process's own clock.
 * - `released`: it was given up by its own holder, and used after that.
 * - `taken`: Redis answered that the lock is not ours any more (it expired there, or was forced open).
 */
export type LockLostReason = 'expired' | 'released' | 'taken';

const WHY: Record<LockLostReason, string> = {
  expired: 'its lease ran out before a renewal succeeded',
  released: 'it was released before',
  taken: 'Redis no longer knows this holder',
};

/**
 * The lock went away while the code under it still ran. It is the reason of the lease's `signal`.
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
 * The caller's `signal` was aborted while it waited. `cause` is the signal's reason.
 *
 * @publicApi
 */
export class LockAbortedError extends LockError {
  readonly code = 'LOCK_ABORTED';

  constructor(lockName: string, reason: unknown) {
    super(`Waiting for lock ${quoteName(lockName)} was aborted by the caller's signal.`, lockName, { cause: reason });
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
 * Redis cannot be reached, did not answer in time, or refuses the request. It is unknown whether the lock is free.
 * `cause` keeps the client's or the server's error.
 *
 * @publicApi
 */
export class LockUnavailableError extends LockError {
  readonly code = 'LOCK_UNAVAILABLE';

  /** Whether the same request may succeed a moment later (a failover, a restart), or needs a human (rights, types). */
  readonly retryable: boolean;

  /** Whether Redis may have carried out the request: it was sent, and no answer was read. */
  readonly outcomeUnknown: boolean;

  /** @internal What happened, without the lock's name. */
  readonly reason: string;

  constructor(what: string, lockName: string | undefined, details: LockUnavailableDetails) {
    const lock = lockName === undefined ? 'Locks are' : `Lock ${quoteName(lockName)} is`;
    super(`${lock} unavailable: ${what}`, lockName, details.cause === undefined ? undefined : { cause: details.cause });
    this.reason = what;
    this.retryable = details.retryable;
    this.outcomeUnknown = details.outcomeUnknown;
    Object.defineProperty(this, 'reason', { enumerable: false });
  }

  /** @internal The same failure, told of one lock: a request to Redis may have been made for many. */
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
