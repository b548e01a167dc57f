import { LockShutdownError, type LockUnavailableError } from '../errors/index.js';
import { LinkedList } from '../lists/linked-list.js';
import type { BusyRefusals } from '../holders/busy-refusals.js';
import type { Hold } from '../holds/hold.js';
import type { Deadlines } from '../time/deadlines.js';
import type { AcquireLoop, WaitersToServe } from './acquire-loop.js';
import { HolderStatus } from './holder-status.js';
import { areAlike, takeOf, Waiter, wantSame, type Claim, type WaitersQueue, type WaitRequest } from './waiter.js';

/**
 * The callers that wait in one local queue, in the order of their requests. Rejects those that do not get the lock in
 * time.
 */
export class Waiters implements WaitersToServe, WaitersQueue {
  /** The loops that acquire the lock, each for the first of them: the newest, which leads to the others; and their number. */
  private loop: AcquireLoop | null = null;
  loops = 0;
  /** For how many of the first ones a hold is being renewed. */
  promised = 0;
  /** How many of them do not wait. */
  private impatient = 0;
  /** How many of them want to write. */
  writers = 0;
  /** The last known state of the lock's holder. */
  readonly holderStatus: HolderStatus;
  private readonly list = new LinkedList<Waiter>();

  /** @param localHold returns the hold of a caller of this process, if the lock is busy as long as there is one */
  constructor(
    readonly name: string,
    readonly timeouts: Deadlines,
    private readonly localHold: () => Hold | null,
    readonly of: 'semaphore' | 'latch' | undefined,
    readonly refusals?: BusyRefusals | undefined,
  ) {
    this.holderStatus = new HolderStatus(name, of);
  }

  get size(): number {
    return this.list.size;
  }

  get first(): Waiter | null {
    return this.list.first;
  }

  /** Whether they wait for the lock to become free, and not for a reply. */
  get asleep(): boolean {
    for (let { loop } = this; loop !== null; loop = loop.next) if (loop.asking) return false;
    return this.loop !== null;
  }

  /** Whether they wait for notifications that do not arrive. */
  get unnotified(): boolean {
    for (let { loop } = this; loop !== null; loop = loop.next) if (loop.unnotified) return true;
    return false;
  }

  /** The state of the lock's holder, updated from the local hold if there is one. */
  currentStatus(): HolderStatus {
    const hold = this.localHold();
    if (hold !== null) this.holderStatus.onBusy(Math.max(0, hold.remaining()), this.refusals?.self);
    return this.holderStatus;
  }

  /** @param underLease whether the caller runs in a section that a shutdown waits for */
  add<T>(request: WaitRequest, claim: Claim<T>, underLease: boolean): Promise<T> {
    const waiter = new Waiter(request, this, claim, underLease);
    this.list.push(waiter);
    if (request.wait === 0) this.impatient += 1;
    if (request.mode === 'write') this.writers += 1;
    return waiter.served as Promise<T>;
  }

  /** Removes the first of them and resolves its request with the hold. */
  serveFirst(hold: Hold): void {
    const first = this.list.first as Waiter;
    this.remove(first);
    first.serve(hold);
  }

  /** Of a latch, which was open when the request was sent: it may have been set before others of them came. */
  serveAll(hold: Hold): void {
    for (let { first } = this; first !== null && first.since <= hold.sentAt.mono; { first } = this)
      this.serveFirst(hold);
  }

  onBusy(remainingMs: number | undefined, take: number): void {
    this.holderStatus.onBusy(remainingMs);
    this.rejectLastAttempts((waiter) => this.holderStatus.failure(waiter.waitedMs()), take);
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
    this.rejectLastAttempts(() => error, 0);
  }

  /** Called when the reply to a renewal of a hold for one of them is late. Rejects those whose wait is over. */
  onLateRenewal(error: LockUnavailableError): void {
    this.holderStatus.trouble = error;
    for (const waiter of this.list.entries()) {
      if (waiter.expired || waiter.request.wait === 0) this.leave(waiter, error);
    }
  }

  onExpired(waiter: Waiter): void {
    // The lock may be free without a notification having arrived, so the first waiter tries once more before it is rejected.
    if (waiter === this.first && this.holderStatus.saysBusy && this.askOnce()) {
      waiter.expired = true;
      return;
    }
    this.leave(waiter, this.currentStatus().failure(waiter.waitedMs()));
  }

  leave(waiter: Waiter, error: Error): void {
    if (!this.remove(waiter)) return;
    waiter.reject(error);
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

  addLoop(loop: AcquireLoop): void {
    loop.next = this.loop;
    this.loop = loop;
    this.loops += 1;
  }

  removeLoop(loop: AcquireLoop): void {
    if (this.loop === loop) this.loop = loop.next;
    else {
      let before = this.loop;
      while (before !== null && before.next !== loop) before = before.next;
      if (before !== null) before.next = loop.next;
    }
    loop.next = null;
    this.loops -= 1;
  }

  private askOnce(): boolean {
    for (let loop = this.loop; loop !== null; loop = loop.next) if (loop.askOnce()) return true;
    return false;
  }

  /** How many from the first one on get the same from one reply, at most `limit`. */
  alike(limit: number): number {
    const { first } = this;
    let count = 0;
    for (let each = first; each !== null && first !== null && count < limit; each = each.next) {
      if (!areAlike(each.request, first.request)) break;
      count += 1;
    }
    return count;
  }

  /**
   * Rejects those whose last attempt it was: the first one if its wait is over, and those that do not wait, unless all
   * before them leave and they want less.
   *
   * @param take how many permits were asked for in vain
   */
  private rejectLastAttempts(errorFor: (waiter: Waiter) => Error, take: number): void {
    const { first } = this;
    if (first?.expired === true && this.promised === 0) this.leave(first, errorFor(first));
    if (this.impatient === 0) return;
    let anyStays = false;
    for (const waiter of this.list.entries().slice(this.promised)) {
      const { request } = waiter;
      if (request.wait > 0) anyStays = true;
      else if (anyStays || takeOf(request) >= take) this.leave(waiter, errorFor(waiter));
    }
  }

  private remove(waiter: Waiter): boolean {
    const isFirst = waiter === this.first;
    if (!this.list.remove(waiter)) return false;
    if (waiter.request.wait === 0) this.impatient -= 1;
    if (waiter.request.mode === 'write') this.writers -= 1;
    const { first } = this;
    const changed = first === null || (isFirst && !wantSame(first.request, waiter.request));
    if (changed) for (let loop = this.loop; loop !== null; loop = loop.next) loop.wake();
    return true;
  }
}
