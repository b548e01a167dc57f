import { LockShutdownError, type LockUnavailableError } from '../errors/index.js';
import { LinkedList } from '../lists/linked-list.js';
import type { Hold } from '../holds/hold.js';
import type { Deadlines } from '../time/deadlines.js';
import type { AcquireLoop, WaitersToServe } from './acquire-loop.js';
import { HolderStatus } from './holder-status.js';
import { Waiter, type Claim, type WaitersQueue, type WaitRequest } from './waiter.js';

/** The callers that wait in one local queue, in the order they came, and how they leave it without the lock. */
export class Waiters implements WaitersToServe, WaitersQueue {
  /** What acquires the lock for the first of them. */
  loop: AcquireLoop | null = null;
  /** What Redis last said of the lock's holder. */
  readonly holderStatus: HolderStatus;
  private readonly list = new LinkedList<Waiter>();

  /** @param localHold the hold of a caller of this process, if one has the lock */
  constructor(
    readonly name: string,
    readonly timeouts: Deadlines,
    private readonly localHold: () => Hold | null,
  ) {
    this.holderStatus = new HolderStatus(name);
  }

  get size(): number {
    return this.list.size;
  }

  get first(): Waiter | null {
    return this.list.first;
  }

  /** What is known of the lock's holder now. */
  currentStatus(): HolderStatus {
    const hold = this.localHold();
    if (hold !== null) this.holderStatus.onBusy(Math.max(0, hold.remaining()));
    return this.holderStatus;
  }

  /** @param underLease whether the caller runs in a section that a shutdown waits for */
  add<T>(request: WaitRequest, claim: Claim<T>, underLease: boolean): Promise<T> {
    const waiter = new Waiter(request, this, claim, underLease);
    this.list.push(waiter);
    return waiter.served as Promise<T>;
  }

  /** Gives the first of them the lock. */
  serveFirst(hold: Hold): void {
    const first = this.list.first as Waiter;
    this.list.remove(first);
    first.serve(hold);
  }

  onBusy(remainingMs: number | undefined): void {
    this.holderStatus.onBusy(remainingMs);
    const { first } = this;
    if (first?.onLastAttempt === true) this.leave(first, this.holderStatus.failure(first.waitedMs()));
  }

  onSplit(last: boolean): void {
    this.holderStatus.onBusy(undefined);
    const { first } = this;
    // A single attempt ends only when another caller has the lock: if all contenders gave up a free lock, none would get it.
    if (first?.expired === true || (last && first?.request.wait === 0)) {
      this.leave(first, this.holderStatus.failure(first.waitedMs()));
    }
  }

  onTrouble(error: LockUnavailableError): void {
    this.holderStatus.trouble = error;
    if (!error.retryable) this.rejectAll(error);
    const { first } = this;
    if (first?.onLastAttempt === true) this.leave(first, error);
  }

  onExpired(waiter: Waiter): void {
    // The lock may be free without a notification having arrived, so the first waiter tries once more before it is rejected.
    if (waiter === this.first && this.holderStatus.saysBusy && this.loop?.askOnce() === true) {
      waiter.expired = true;
      return;
    }
    this.leave(waiter, this.currentStatus().failure(waiter.waitedMs()));
  }

  leave(waiter: Waiter, error: Error): void {
    if (!this.list.remove(waiter)) return;
    waiter.reject(error);
    if (this.list.size === 0) this.loop?.wake();
  }

  rejectAll(error: Error): void {
    for (let { first } = this; first !== null; { first } = this) this.leave(first, error);
  }

  /**
   * Refuses them since the service shuts down.
   *
   * @param all `false`: callers that run in a section stay, since the shutdown waits for them
   */
  refuse(all: boolean): void {
    for (const waiter of this.list.entries()) {
      if (all || !waiter.underLease) this.leave(waiter, new LockShutdownError(this.name));
    }
  }
}
