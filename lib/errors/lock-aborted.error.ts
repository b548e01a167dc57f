import { LockError } from './lock-error.js';
import { quoteName } from './quote-name.js';

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
