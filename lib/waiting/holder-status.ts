import { LockBusyError, LockUnavailableError, type LockBusyReason, type LockError } from '../errors/index.js';
import type { LockHolder } from '../lock-holder.js';
import { monotonic } from '../time/clock.js';

/** What a local queue knows of the lock's holder: the source of the error for a caller that does not get the lock. */
export class HolderStatus {
  /** The last error, if Redis has not replied since. */
  trouble: LockUnavailableError | null = null;
  private heardBusy = false;
  private remainingMs: number | undefined;
  private holder: LockHolder | undefined;
  private heardAt = 0;

  constructor(
    private readonly name: string,
    private readonly of: 'semaphore' | 'latch' | undefined,
  ) {}

  /** Whether the last reply was that the lock is held. */
  get saysBusy(): boolean {
    return this.heardBusy && this.trouble === null;
  }

  /** @param holder if it is known */
  onBusy(remainingMs: number | undefined, holder?: LockHolder): void {
    this.trouble = null;
    this.heardBusy = true;
    this.remainingMs = remainingMs;
    this.holder = holder;
    this.heardAt = monotonic();
  }

  /**
   * Called when the queue starts a new acquisition, since the lock may have another holder by then. Drops the remaining
   * time and the error of the old one, but not that the lock was busy.
   */
  onNewHolder(): void {
    this.trouble = null;
    this.remainingMs = undefined;
    this.holder = undefined;
  }

  /** Drops everything that is known. */
  clear(): void {
    this.onNewHolder();
    this.heardBusy = false;
  }

  busy(reason: LockBusyReason, waitedMs: number): LockBusyError {
    const remainingMs =
      this.remainingMs === undefined ? undefined : Math.max(0, this.remainingMs - (monotonic() - this.heardAt));
    return new LockBusyError(this.name, { reason, waitedMs, remainingMs, of: this.of, holder: this.holder });
  }

  /** The error for a caller whose wait is over. */
  failure(waitedMs: number): LockError {
    if (this.trouble !== null) return this.trouble;
    if (this.heardBusy) return this.busy('held', waitedMs);
    const what = `Redis has not answered within the ${String(Math.round(waitedMs))} ms to wait.`;
    return new LockUnavailableError(what, this.name, { retryable: true, outcomeUnknown: false });
  }
}
