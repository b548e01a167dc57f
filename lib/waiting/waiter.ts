import { setMaxListeners } from 'node:events';
import { LockAbortedError } from '../errors/index.js';
import type { Linked, LinkedList } from '../lists/linked-list.js';
import type { Hold } from '../holds/hold.js';
import { monotonic } from '../time/clock.js';
import { Deadline, type Deadlines } from '../time/deadlines.js';

/** The request of one caller to a local queue. */
export interface WaitRequest {
  /** How long to wait, in ms; 0: a single attempt; `Infinity`: no limit. */
  readonly wait: number;
  /** The requested lease, in ms. */
  readonly leaseMs: number;
  /** The length to which the lease is renewed, in ms; `undefined`: it is not renewed. */
  readonly renewMs: number | undefined;
  /** The least time for which the lock stays taken, in ms; never longer than the requested lease. */
  readonly holdAtLeast: number;
  /** How many replicas must acknowledge the lock. */
  readonly minReplicas: number;
  readonly signal: AbortSignal | undefined;
}

/** The local queue that a waiter is in. */
export interface WaitersQueue {
  readonly name: string;
  readonly timeouts: Deadlines;
  /** Removes the waiter and rejects it, if it is still in the queue. */
  leave(waiter: Waiter, error: Error): void;
  onExpired(waiter: Waiter): void;
}

/**
 * Creates the result of a caller's request from the granted hold. `since`: when the caller made the request, on the
 * monotonic clock.
 */
export type Claim<T> = (hold: Hold, since: number) => T;

/** One caller in a local queue. It becomes due when its wait is over. */
export class Waiter extends Deadline implements Linked<Waiter> {
  readonly since = monotonic();
  readonly served: Promise<unknown>;
  /** @internal The list that contains it. */
  list: LinkedList<Waiter> | null = null;
  /** @internal */
  previous: Waiter | null = null;
  /** @internal */
  next: Waiter | null = null;

  /** Whether its wait is over: the next reply either grants it the lock or rejects it. */
  expired = false;

  private add!: (value: unknown) => void;
  private fail!: (error: Error) => void;
  private onAbort: (() => void) | null = null;

  constructor(
    readonly request: WaitRequest,
    private readonly queue: WaitersQueue,
    private readonly claim: Claim<unknown>,
    /** Whether the caller runs in a section that a shutdown waits for. */
    readonly underLease = false,
  ) {
    super();
    this.served = new Promise((resolve, reject) => {
      this.add = resolve;
      this.fail = reject;
    });
    const { signal, wait } = request;
    if (signal !== undefined) this.listen(signal);
    if (wait > 0 && wait !== Infinity) queue.timeouts.add(this, this.since + wait);
  }

  serve(hold: Hold): void {
    this.cleanUp();
    this.add(this.claim(hold, this.since));
  }

  reject(error: Error): void {
    this.cleanUp();
    this.fail(error);
  }

  /** Whether it is rejected if the next reply is that the lock is busy. */
  get onLastAttempt(): boolean {
    return this.expired || this.request.wait === 0;
  }

  waitedMs(): number {
    return monotonic() - this.since;
  }

  override onDue(): void {
    this.queue.onExpired(this);
  }

  private listen(signal: AbortSignal): void {
    this.onAbort = () => {
      this.queue.leave(this, new LockAbortedError(this.queue.name, signal.reason));
    };
    // Many waiters may share one signal; Node warns of a leak at more than ten listeners.
    setMaxListeners(0, signal);
    signal.addEventListener('abort', this.onAbort, { once: true });
  }

  private cleanUp(): void {
    this.queue.timeouts.remove(this);
    if (this.onAbort !== null) this.request.signal?.removeEventListener('abort', this.onAbort);
  }
}
