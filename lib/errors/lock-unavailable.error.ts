import { LockError } from './lock-error.js';
import { quoteName } from './quote-name.js';

export interface LockUnavailableDetails {
  cause?: unknown;
  /** Whether the same request may succeed a moment later. */
  retryable: boolean;
  /** Whether Redis may have executed the request: it was sent, and no reply was read. */
  outcomeUnknown: boolean;
}

/**
 * Redis cannot be reached, did not answer in time, or refuses the request. Nobody knows whether the lock is free.
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

  /** The same failure, told of one lock: a request to Redis may have been made for many. */
  forLock(lockName: string): LockUnavailableError {
    return this.lockName === lockName ? this : new LockUnavailableError(this.reason, lockName, this);
  }
}
