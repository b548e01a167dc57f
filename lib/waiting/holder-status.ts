import { LockBusyError, LockUnavailableError, type LockBusyReason, type LockError } from '../errors/index.js';
import { monotonic } from '../time/clock.js';

/** What a local queue last learned from Redis about the lock's holder. It explains to callers why they did not get the lock. */
export class HolderStatus {
  /** Redis could not say, and has not answered since. */
  trouble: LockUnavailableError | null = null;
  private heardBusy = false;
  private remainingMs: number | undefined;
  private heardAt = 0;

  constructor(private readonly name: string) {}

  /** Whether the last that was heard is that the lock is held. */
  get saysBusy(): boolean {
    return this.heardBusy && this.trouble === null;
  }

  onBusy(remainingMs: number | undefined): void {
    this.trouble = null;
    this.heardBusy = true;
    this.remainingMs = remainingMs;
    this.heardAt = monotonic();
  }

  /** The holder is a new one, or ourselves. What was said of the old one is void, but not that the lock was busy. */
  onNewHolder(): void {
    this.trouble = null;
    this.remainingMs = undefined;
  }

  /** Nothing is known any more. */
  clear(): void {
    this.onNewHolder();
    this.heardBusy = false;
  }

  busy(reason: LockBusyReason, waitedMs: number): LockBusyError {
    const remainingMs =
      this.remainingMs === undefined ? undefined : Math.max(0, this.remainingMs - (monotonic() - this.heardAt));
    return new LockBusyError(this.name, { reason, waitedMs, remainingMs });
  }

  /** Why a caller whose time is over did not get the lock. */
  failure(waitedMs: number): LockError {
    if (this.trouble !== null) return this.trouble;
    if (this.heardBusy) return this.busy('held', waitedMs);
    const what = `Redis has not answered within the ${String(Math.round(waitedMs))} ms to wait.`;
    return new LockUnavailableError(what, this.name, { retryable: true, outcomeUnknown: false });
  }
}
