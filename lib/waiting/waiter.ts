import { setMaxListeners } from 'node:events';
import { LockAbortedError } from '../errors/index.js';
import type { Hold } from '../stores/hold.js';
import { WheelEntry, type TimerWheel } from '../time/timer-wheel.js';

/** What one caller asks of a wait line. */
export interface WaitRequest {
  /** How long to wait, in ms; 0: one try; may be `Infinity`. */
  readonly wait: number;
  /** The lease wanted, in ms. */
  readonly leaseMs: number;
  /** Whether the lease is to be kept alive. */
  readonly renews: boolean;
  /** How many replicas have to acknowledge the lock. */
  readonly minReplicas: number;
  readonly signal: AbortSignal | undefined;
}

/** The line that a waiter stands in. */
export interface WaitersLine {
  readonly name: string;
  readonly timeouts: TimerWheel;
  /** Takes the waiter out and rejects it, if it still stands in the line. */
  leave(waiter: Waiter, error: Error): void;
  onExpired(waiter: Waiter): void;
}

/** One caller in a wait line. As a wheel entry it becomes due when its time to wait is over. */
export class Waiter extends WheelEntry {
  readonly since = performance.now();
  readonly granted: Promise<Hold>;
  previous: Waiter | null = null;
  next: Waiter | null = null;
  queued = false;

  private settle!: { resolve: (hold: Hold) => void; reject: (error: Error) => void };

  constructor(
    readonly request: WaitRequest,
    private readonly line: WaitersLine,
  ) {
    super();
    this.granted = new Promise((resolve, reject) => {
      this.settle = { resolve, reject };
    });
    const { signal, wait } = request;
    if (signal !== undefined) {
      // Many may wait with one signal; Node takes more than ten listeners for a leak.
      setMaxListeners(0, signal);
      signal.addEventListener('abort', this.onAbort, { once: true });
    }
    if (wait > 0 && wait !== Infinity) line.timeouts.addAfter(this, this.since + wait);
  }

  resolve(hold: Hold): void {
    this.cleanUp();
    this.settle.resolve(hold);
  }

  reject(error: Error): void {
    this.cleanUp();
    this.settle.reject(error);
  }

  waitedMs(): number {
    return performance.now() - this.since;
  }

  override onDue(): void {
    this.line.onExpired(this);
  }

  private cleanUp(): void {
    this.line.timeouts.remove(this);
    this.request.signal?.removeEventListener('abort', this.onAbort);
  }

  private readonly onAbort = (): void => {
    this.line.leave(this, new LockAbortedError(this.line.name, this.request.signal?.reason));
  };
}
