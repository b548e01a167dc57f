import { LockShutdownError, type LockUnavailableError } from '../errors/index.js';
import { LinkedList } from '../lists/linked-list.js';
import type { Hold } from '../holds/hold.js';
import type { Deadlines } from '../time/deadlines.js';
import type { AcquireLoop, WaitersToServe } from './acquire-loop.js';
import { HolderStatus } from './holder-status.js';
import { Waiter, type Claim, type WaitersQueue, type WaitRequest } from './waiter.js';

/**
 * The callers that wait in one local queue, in the order of their requests. Rejects those that do not get the lock in
 * time.
 */
export class Waiters implements WaitersToServe, WaitersQueue {
  /** The loop that acquires the lock for the first of them; `null` if none runs. */
  loop: AcquireLoop | null = null;
  /** The last known state of the lock's holder. */
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

  /** The state of the lock's holder, updated from the local hold if there is one. */
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

  /** Removes the first of them and resolves its request with the hold. */
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
    // A caller with `wait: 0` stays until another caller has the lock, or until too many split votes: if all contenders
    // left after a split vote, a free lock would stay free.
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
   * Rejects them with `LockShutdownError`.
   *
   * @param all `false`: callers that run in a section stay, since the shutdown waits for them
   */
  refuse(all: boolean): void {
    for (const waiter of this.list.entries()) {
      if (all || !waiter.underLease) this.leave(waiter, new LockShutdownError(this.name));
    }
  }
}
