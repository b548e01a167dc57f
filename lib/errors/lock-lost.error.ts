import { LockError } from './lock-error.js';
import { quoteName } from './quote-name.js';

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
  readonly token: number;

  constructor(lockName: string, token: number, reason: LockLostReason) {
    super(
      `Lock ${quoteName(lockName)} was lost: ${WHY[reason]}. Stop what it guards: another holder may be at work.`,
      lockName,
    );
    this.reason = reason;
    this.token = token;
  }
}
