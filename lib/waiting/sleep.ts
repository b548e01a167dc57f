import { monotonic } from '../time/clock.js';
import { Timer } from '../time/timer.js';

/** A sleep that can be ended or shortened from outside. Only one can run at a time. */
export class Sleep {
  /** Created on first use, since most attempts succeed at once. */
  private timer: Timer | null = null;
  /** Its original end, and its current end. */
  private due = 0;
  private endsAt = 0;
  private onEnd: (() => void) | null = null;

  /** Resolves after `ms`, or as soon as it is ended. */
  start(ms: number): Promise<void> {
    const now = monotonic();
    this.due = now + ms;
    this.arm(this.due, now);
    return new Promise((resolve) => {
      this.onEnd = resolve;
    });
  }

  /** Ends it now. Has no effect without a sleep. */
  readonly end = (): void => {
    if (this.onEnd === null) return;
    this.onEnd();
    this.onEnd = null;
    this.timer?.stop();
  };

  /** Ends it after `ms`, but not later than its original end. */
  endIn(ms: number): void {
    if (this.onEnd === null) return;
    const now = monotonic();
    const endsAt = Math.min(now + ms, this.due);
    if (endsAt !== this.endsAt) this.arm(endsAt, now);
  }

  private arm(endsAt: number, now: number): void {
    this.endsAt = endsAt;
    // Redis counts leases in whole milliseconds, so 1 ms is added: an attempt that is slightly too early would find the
    // lock still held.
    this.timer ??= new Timer(this.end);
    this.timer.start(Math.max(0, endsAt - now) + 1);
  }
}
