import { LockError } from './lock-error.js';

/**
 * An option, a client or a decorated member cannot be used.
 *
 * @publicApi
 */
export class LockConfigError extends LockError {
  readonly code = 'LOCK_CONFIG';
}
