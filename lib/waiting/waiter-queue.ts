import type { Hold } from '../stores/hold.js';
import { WheelEntry } from '../time/timer-wheel.js';

/** What one caller asks of a wait line. */
export interface WaitRequest {
  /** How long to wait, in ms; 0: one try; may be `Infinity`. */
  readonly wait: number;
  /** The lease wanted, in ms. */
  readonly leaseMs: number;
  /** Whether the lease is to be kept alive. */
  readonly renews: boolean;
  readonly signal: AbortSignal | undefined;
}

/** One caller in a wait line. As a wheel entry it becomes due when its time to wait is over. */
export class Waiter extends WheelEntry {
  readonly since = performance.now();
  previous: Waiter | null = null;
  next: Waiter | null = null;
  queued = false;

  constructor(
    readonly request: WaitRequest,
    readonly resolve: (hold: Hold) => void,
    readonly reject: (error: Error) => void,
    private readonly onExpired: (waiter: Waiter) => void,
  ) {
    super();
  }

  waitedMs(): number {
    return performance.now() - this.since;
  }

  override onDue(): void {
    this.onExpired(this);
  }
}

/** First in, first out; a waiter may leave from anywhere. Every step is O(1). */
export class WaiterQueue {
  size = 0;
  first: Waiter | null = null;
  private last: Waiter | null = null;

  push(waiter: Waiter): void {
    waiter.queued = true;
    waiter.previous = this.last;
    if (this.last === null) this.first = waiter;
    else this.last.next = waiter;
    this.last = waiter;
    this.size += 1;
  }

  /** Takes a waiter out. `false` if it was not in any more. */
  remove(waiter: Waiter): boolean {
    if (!waiter.queued) return false;
    waiter.queued = false;
    if (waiter.previous === null) this.first = waiter.next;
    else waiter.previous.next = waiter.next;
    if (waiter.next === null) this.last = waiter.previous;
    else waiter.next.previous = waiter.previous;
    waiter.previous = null;
    waiter.next = null;
    this.size -= 1;
    return true;
  }
}
