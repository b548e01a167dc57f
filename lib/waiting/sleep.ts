const MAX_MS = 2 ** 31 - 1;

/** A sleep that others can end or shorten. */
export class Sleep {
  private timer: NodeJS.Timeout | undefined;
  private due = 0;
  private resolve: (() => void) | null = null;

  /** Sleeps for `ms`, one at a time. */
  start(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.resolve = resolve;
      this.due = performance.now() + ms;
      this.arm(ms);
    });
  }

  /** Ends it now. Nothing happens if nobody sleeps. */
  readonly end = (): void => {
    clearTimeout(this.timer);
    const { resolve } = this;
    this.resolve = null;
    resolve?.();
  };

  /** Ends it in `ms`, or when it would have ended anyway. */
  endIn(ms: number): void {
    if (this.resolve === null) return;
    clearTimeout(this.timer);
    this.arm(Math.min(ms, this.due - performance.now()));
  }

  private arm(ms: number): void {
    // Redis counts the holder's lease in whole milliseconds; a look a moment too early would only be one too many.
    this.timer = setTimeout(this.end, Math.min(Math.max(0, ms) + 1, MAX_MS));
  }
}
