import { LockError } from './lock-error.js';
import { quoteName } from './quote-name.js';

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
