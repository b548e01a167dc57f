import { LockUnavailableError } from '../errors/index.js';

/** The server refused a request because another kind of lock, or something else, has the name. Callers never see it. */
export class WrongKindError extends LockUnavailableError {
  override forLock(lockName: string): LockUnavailableError {
    return new LockUnavailableError(this.reason, lockName, this);
  }
}
