import { inServiceContext } from '../context/service-context.js';

/** With more than this `setTimeout` fires at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** A timer that can be started any number of times. It runs in the context of the service, whoever starts it. */
export class Timer {
  private handle: NodeJS.Timeout | null = null;

  /**
   * @param onDue must not throw
   * @param keepsProcessAlive whether the process stays alive while the timer runs
   */
  constructor(
    private readonly onDue: () => void,
    private keepsProcessAlive = true,
  ) {}

  get running(): boolean {
    return this.handle !== null;
  }

  /** Starts the timer, anew if it runs. It is due in `ms`, or after 24.8 days if that is sooner. */
  start(ms: number): this {
    if (this.handle !== null) clearTimeout(this.handle);
    const delay = Math.min(Math.max(ms, 0), MAX_TIMER_MS);
    this.handle = inServiceContext(arm, undefined, this, delay);
    if (!this.keepsProcessAlive) this.handle.unref();
    return this;
  }

  /** Nothing happens if it does not run. */
  stop(): void {
    if (this.handle === null) return;
    clearTimeout(this.handle);
    this.handle = null;
  }

  /** From now on the process stays alive while the timer runs. */
  ref(): void {
    this.keepsProcessAlive = true;
    this.handle?.ref();
  }

  /** From now on the timer lets the process end. */
  unref(): void {
    this.keepsProcessAlive = false;
    this.handle?.unref();
  }

  /** @internal */
  fire(): void {
    this.handle = null;
    this.onDue();
  }
}

/** Resolves after `ms`. */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    new Timer(resolve).start(ms);
  });
}

function arm(timer: Timer, ms: number): NodeJS.Timeout {
  return setTimeout(fire, ms, timer);
}

function fire(timer: Timer): void {
  timer.fire();
}
