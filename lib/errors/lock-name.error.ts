import { LockError } from './lock-error.js';

/**
 * A lock's name, or the template of one, cannot be used.
 *
 * @publicApi
 */
export class LockNameError extends LockError {
  readonly code = 'LOCK_NAME';
}
