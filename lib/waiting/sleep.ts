import { monotonic } from '../time/clock.js';
import { onNextTick } from '../time/ticks.js';
import { Timer } from '../time/timer.js';

/** A sleep that others can end or shorten. */
export class Sleep {
  /** Most tries succeed at once and need no timer. */
  private timer: Timer | null = null;
  /** When it would have ended without being shortened, and when it ends now. */
  private due = 0;
  private endsAt = 0;
  private onEnd: (() => void) | null = null;

  /** Whether a sleep is under way. */
  get active(): boolean {
    return this.onEnd !== null;
  }

  /** Sleeps for `ms`, one at a time, then runs `onEnd`: in the very call that ends it, so that nothing gets in between. */
  start(ms: number, onEnd: () => void): void {
    this.onEnd = onEnd;
    const now = monotonic();
    this.due = now + ms;
    this.arm(this.due, now);
  }

  /** Ends it now. Nothing happens if there is none. */
  readonly end = (): void => {
    const { onEnd } = this;
    if (onEnd === null) return;
    this.onEnd = null;
    onEnd();
    // Stop the timer after the woken caller has sent its request.
    if (this.timer?.running === true) onNextTick(stopTimer, this);
  };

  /** @internal */
  stopTimer(): void {
    if (this.onEnd === null) this.timer?.stop();
  }

  /** Ends it in `ms`, or when it would have ended anyway. */
  endIn(ms: number): void {
    if (this.onEnd === null) return;
    const now = monotonic();
    const endsAt = Math.min(now + ms, this.due);
    if (endsAt === this.endsAt) return;
    this.arm(endsAt, now);
  }

  private arm(endsAt: number, now: number): void {
    this.endsAt = endsAt;
    // Redis counts the holder's lease in whole milliseconds; a look a moment too early would only be one too many.
    this.timer ??= new Timer(this.end);
    this.timer.start(Math.max(0, endsAt - now) + 1);
  }
}

function stopTimer(sleep: Sleep): void {
  sleep.stopTimer();
}
