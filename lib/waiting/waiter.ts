import { LockAbortedError, LockBusyError } from '../errors/index.js';
import type { Linked, LinkedList } from '../lists/linked-list.js';
import type { BusyRefusals } from '../holders/busy-refusals.js';
import type { Hold } from '../holds/hold.js';
import type { PermitCount, TakingMode } from '../stores/lock-store.js';
import { monotonic } from '../time/clock.js';
import { Deadline, type Deadlines } from '../time/deadlines.js';
import { onAbort } from '../time/on-abort.js';

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
  /** For a semaphore. */
  readonly permits?: PermitCount | undefined;
  /** `undefined`: exclusive. */
  readonly mode?: TakingMode | undefined;
  /** Whether a caller that reads gets a hold of its own, which no other caller shares. */
  readonly alone?: boolean | undefined;
  /** What the caller is reported as. */
  readonly label?: string | undefined;
}

/** How many permits a request takes; 1 for a lock. */
export function takeOf({ permits }: Pick<WaitRequest, 'permits'>): number {
  return permits?.take ?? 1;
}

/** Whether the reply to one request that the lock is busy is also one to the other. */
export function wantSame(one: WaitRequest, other: WaitRequest): boolean {
  const { permits } = one;
  if (permits !== undefined) return permits.take === other.permits?.take && permits.permits === other.permits.permits;
  return one.mode === other.mode;
}

/** Whether the same owner can be granted what both request. */
export function haveSameOwner(one: WaitRequest, other: WaitRequest): boolean {
  return takeOf(one) === takeOf(other) && one.mode === other.mode;
}

/** Whether a caller that reads may use a hold together with others. It may not if its lease has a fixed end. */
export function mayShare({ mode, alone, renewMs }: WaitRequest): boolean {
  return mode === 'read' && alone !== true && renewMs !== undefined;
}

/** Whether a hold for one request also serves the other, without a renewal. */
export function areAlike(one: WaitRequest, other: WaitRequest): boolean {
  return wantSame(one, other) && one.leaseMs === other.leaseMs && one.minReplicas === other.minReplicas;
}

/** The local queue that a waiter is in. */
export interface WaitersQueue {
  readonly name: string;
  readonly timeouts: Deadlines;
  /** Says who holds the lock. */
  readonly refusals?: BusyRefusals | undefined;
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
  private unlink: (() => void) | null = null;

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
    if (signal !== undefined) {
      this.unlink = onAbort(signal, (reason) => {
        queue.leave(this, new LockAbortedError(queue.name, reason));
      });
    }
    if (wait > 0 && wait !== Infinity) queue.timeouts.add(this, this.since + wait);
  }

  serve(hold: Hold): void {
    this.cleanUp();
    this.add(this.claim(hold, this.since));
  }

  reject(error: Error): void {
    this.cleanUp();
    const { name, refusals } = this.queue;
    const isBusy = error instanceof LockBusyError && error.reason === 'held' && error.holder === undefined;
    if (refusals === undefined || !isBusy || this.request.wait === 0) this.fail(error);
    else void refusals.explain(name, error).then(this.fail);
  }

  waitedMs(): number {
    return monotonic() - this.since;
  }

  override onDue(): void {
    this.queue.onExpired(this);
  }

  private cleanUp(): void {
    this.queue.timeouts.remove(this);
    this.unlink?.();
  }
}
