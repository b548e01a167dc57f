import { monotonic } from '../time/clock.js';
import { Timer } from '../time/timer.js';

/** A sleep that others can end or shorten, one at a time. */
export class Sleep {
  /** Most tries succeed at once and need no timer. */
  private timer: Timer | null = null;
  /** When it would have ended without being shortened, and when it ends now. */
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

  /** Ends it now. Nothing happens if there is none. */
  readonly end = (): void => {
    if (this.onEnd === null) return;
    this.onEnd();
    this.onEnd = null;
    this.timer?.stop();
  };

  /** Ends it in `ms`, or when it would have ended anyway. */
  endIn(ms: number): void {
    if (this.onEnd === null) return;
    const now = monotonic();
    const endsAt = Math.min(now + ms, this.due);
    if (endsAt !== this.endsAt) this.arm(endsAt, now);
  }

  private arm(endsAt: number, now: number): void {
    this.endsAt = endsAt;
    // Redis counts the holder's lease in whole milliseconds; a look a moment too early would only be one too many.
    this.timer ??= new Timer(this.end);
    this.timer.start(Math.max(0, endsAt - now) + 1);
  }
}
