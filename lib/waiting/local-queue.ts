import { inServiceContext } from '../context/service-context.js';
import { LockAbortedError, LockShutdownError, LockUnavailableError, type LockError } from '../errors/index.js';
import { LinkedList, type Linked } from '../lists/linked-list.js';
import type { Hold, HoldObserver, HoldOwner } from '../holds/hold.js';
import type { ReleaseOutcome } from '../holds/release-outcome.js';
import type { ReleaseReply } from '../stores/lock-store.js';
import { OverdueError, orLate } from '../stores/overdue-error.js';
import { monotonic } from '../time/clock.js';
import type { Deadlines } from '../time/deadlines.js';
import { HolderStatus } from './holder-status.js';
import type { QueueContext } from './queue-context.js';
import { AcquireLoop, type AcquiringQueue } from './acquire-loop.js';
import { MAX_PATIENCE_MS } from './turn.js';
import { Waiter, type Claim, type WaitersQueue, type WaitRequest } from './waiter.js';

/**
 * - `idle`: no caller here wants the lock.
 * - `acquiring`: the head's request is under way to Redis, or waits there.
 * - `held`: a caller of this process has it.
 * - `passing`: it is being renewed for the next local caller.
 * - `releasing`: it is on its way back to Redis.
 */
type Phase = 'idle' | 'acquiring' | 'held' | 'passing' | 'releasing';

const RELEASED: Promise<ReleaseOutcome> = Promise.resolve('released');

/** The callers of this process that want one lock, in the order they came. Only the head's wish reaches Redis. */
export class LocalQueue implements AcquiringQueue, WaitersQueue, HoldOwner, Linked<LocalQueue> {
  /** @internal where the service keeps lines that are idle */
  list: LinkedList<LocalQueue> | null = null;
  /** @internal */
  previous: LocalQueue | null = null;
  /** @internal */
  next: LocalQueue | null = null;
  private readonly waiters = new LinkedList<Waiter>();
  private phase: Phase = 'idle';
  private hold: Hold | null = null;
  private acquireLoop: AcquireLoop | null = null;
  /** How many callers the last hold served. */
  private lastUsed = 0;
  private readonly holderStatus: HolderStatus;

  constructor(
    readonly name: string,
    private readonly context: QueueContext,
  ) {
    this.holderStatus = new HolderStatus(name);
  }

  get timeouts(): Deadlines {
    return this.context.timeouts;
  }

  get waiting(): number {
    return this.waiters.size;
  }

  /** Whether a request without a waiter is in flight: it may still have to be undone. */
  get acquiresForNoWaiter(): boolean {
    return this.waiters.size === 0 && (this.phase === 'acquiring' || this.phase === 'passing');
  }

  /**
   * Waits for the lock in turn, and resolves with what `claim` makes of it.
   *
   * @param underLease whether the caller runs in a section that a shutdown waits for
   */
  join<T>(request: WaitRequest, claim: Claim<T>, underLease = false): Promise<T> {
    const refusal = this.refusalOf(request);
    if (refusal !== null) {
      if (this.phase === 'idle') this.rest();
      return Promise.reject(refusal);
    }
    const waiter = new Waiter(request, this, claim, underLease);
    this.waiters.push(waiter);
    if (this.phase === 'idle') this.acquire();
    return waiter.served as Promise<T>;
  }

  /**
   * Gives a hold back: to the next local caller if there is one and the budget allows it, else to Redis.
   *
   * @param keepMs if above 0, the lock stays taken for that long
   */
  release(hold: Hold, keepMs: number): Promise<ReleaseOutcome> {
    const { observer } = hold;
    hold.observer = null;
    if (this.hold !== hold) {
      observer?.onReleased('lost');
      return Promise.resolve('lost');
    }
    if (keepMs > 0 || !this.mayPassOn(hold)) return this.giveBack(hold, keepMs, observer);
    this.context.keeper.unwatch(hold);
    hold.advanceToken();
    this.hold = null;
    this.phase = 'passing';
    observer?.onReleased('released');
    this.serve(hold);
    return RELEASED;
  }

  /**
   * Refuses waiting callers since the service shuts down. A holder keeps its lock.
   *
   * @param all `false`: callers that run in a section stay, since the shutdown waits for them
   */
  refuse(all: boolean): void {
    for (const waiter of this.waiters.entries()) {
      if (all || !waiter.underLease) this.leave(waiter, new LockShutdownError(this.name));
    }
  }

  head(): Waiter | null {
    return this.waiters.first;
  }

  onBusy(remainingMs: number | undefined): void {
    this.holderStatus.onBusy(remainingMs);
    const { first } = this.waiters;
    if (first?.onLastAttempt === true) this.leave(first, this.holderStatus.failure(first.waitedMs()));
  }

  onSplit(last: boolean): void {
    this.holderStatus.onBusy(undefined);
    const { first } = this.waiters;
    // A single attempt ends only when another caller has the lock: if all contenders gave up on a free lock, none would get it.
    if (first?.expired === true || (last && first?.request.wait === 0)) {
      this.leave(first, this.holderStatus.failure(first.waitedMs()));
    }
  }

  onTrouble(error: LockUnavailableError): void {
    this.holderStatus.trouble = error;
    if (!error.retryable) this.rejectAll(error);
    const { first } = this.waiters;
    if (first?.onLastAttempt === true) this.leave(first, error);
  }

  private refusalOf({ signal, wait }: WaitRequest): LockError | null {
    if (signal?.aborted === true) return new LockAbortedError(this.name, signal.reason);
    if (wait === 0 && this.phase !== 'idle') return this.holderStatus.trouble ?? this.currentStatus().busy('held', 0);
    if (this.waiters.size >= this.context.limits.maxWaiting) return this.currentStatus().busy('crowded', 0);
    return null;
  }

  leave(waiter: Waiter, error: Error): void {
    if (!this.waiters.remove(waiter)) return;
    waiter.reject(error);
    if (this.waiters.size === 0) this.acquireLoop?.wake();
  }

  private rejectAll(error: Error): void {
    for (let waiter = this.waiters.first; waiter !== null; waiter = this.waiters.first) this.leave(waiter, error);
  }

  onExpired(waiter: Waiter): void {
    // The lock may be free without a notification having arrived, so the head asks once more before it is told "busy".
    if (waiter === this.waiters.first && this.holderStatus.saysBusy && this.acquireLoop?.askOnce() === true) {
      waiter.expired = true;
      return;
    }
    this.leave(waiter, this.currentStatus().failure(waiter.waitedMs()));
  }

  private currentStatus(): HolderStatus {
    if (this.hold !== null) this.holderStatus.onBusy(Math.max(0, this.hold.remaining()));
    return this.holderStatus;
  }

  private acquire(): void {
    const { store, cleanUps, limits, turns } = this.context;
    this.phase = 'acquiring';
    this.holderStatus.onNewHolder();
    // No more than are likely to be used: unused reserved tokens would run ahead of the server's clock, and a server
    // that lost the last one would then issue smaller ones. A hand-over takes more than a µs.
    const likely = Math.max(this.waiters.size, 2 * this.lastUsed);
    const tokens = Math.max(1, Math.min(limits.handOverCount, likely, limits.handOverTime * 1_000));
    const turn = turns.get(this.name);
    // Other processes held it a moment ago. A caller that gives up before Redis answers is told so.
    if (turn !== null) this.holderStatus.onBusy(undefined);
    // A caller without time to let others go first tries at once.
    const hasTime = (this.waiters.first?.request.wait ?? 0) > MAX_PATIENCE_MS;
    const loop = new AcquireLoop(this, store, cleanUps, this.context.nextOwner(), tokens, hasTime ? turn : null);
    this.acquireLoop = loop;
    this.context.work.begin();
    void inServiceContext(() => loop.run());
  }

  onAcquired(hold: Hold | null): void {
    this.acquireLoop = null;
    this.holderStatus.onBusy(undefined);
    if (hold === null) this.proceed();
    else this.serve(hold);
    this.context.work.end();
  }

  onDefect(error: unknown): void {
    this.acquireLoop = null;
    this.rejectAll(error instanceof Error ? error : new Error(String(error)));
    this.proceed();
    this.context.work.end();
  }

  /** Serves the next waiter; without one the queue is done. */
  private proceed(): void {
    if (this.waiters.first !== null) {
      this.acquire();
      return;
    }
    this.rest();
  }

  /** What the queue knows is outdated when it is next needed. */
  private rest(): void {
    this.phase = 'idle';
    this.lastUsed = 0;
    this.holderStatus.clear();
    this.context.onIdle(this.name);
  }

  private mayPassOn(hold: Hold): boolean {
    if (this.waiters.first === null || hold.doubtful || !hold.hasNextToken()) return false;
    if (monotonic() - hold.acquiredAt >= this.context.limits.handOverTime) return false;
    return hold.remaining() > hold.leaseMs / 3;
  }

  /** Hands a hold to the first waiter; renews it before if that one wants another lease, or more replicas, than it has. */
  private serve(hold: Hold): void {
    this.phase = 'passing';
    this.hold = hold;
    const next = this.waiters.first;
    if (next === null) void this.giveBack(hold, 0, null);
    else if (this.fits(hold, next)) this.grant(hold, next);
    else void inServiceContext(() => this.renewThenServe(hold, next));
  }

  private grant(hold: Hold, waiter: Waiter): void {
    this.waiters.remove(waiter);
    this.phase = 'held';
    hold.renewMs = waiter.request.renewMs;
    hold.minReplicas = waiter.request.minReplicas;
    hold.fresh = false;
    hold.queue = this;
    this.context.keeper.watch(hold);
    waiter.serve(hold);
  }

  /** Never rejects. */
  private async renewThenServe(hold: Hold, { request }: Waiter): Promise<void> {
    this.context.work.begin();
    if (await this.renewFor(hold, request.leaseMs, request.minReplicas)) this.serve(hold);
    else void this.giveBack(hold, 0, null);
    this.context.work.end();
  }

  private fits(hold: Hold, { request }: Waiter): boolean {
    if (!hold.valid || hold.leaseMs !== request.leaseMs || hold.minReplicas < request.minReplicas) return false;
    // A fixed lease is the caller's from the start: what an earlier caller used of it must be given back first.
    if (hold.fresh) return true;
    // If the process dies, the lock stays taken only for what is left of the lease.
    return request.renewMs !== undefined && hold.renews && hold.remaining() >= request.holdAtLeast;
  }

  private async renewFor(hold: Hold, leaseMs: number, minReplicas: number): Promise<boolean> {
    hold.foresee(leaseMs);
    const { changes } = hold;
    try {
      const renewal = this.context.store.renew(this.name, hold.owner, leaseMs, minReplicas, changes, true);
      const { held, sentAt } = await orLate(renewal, (error) => {
        this.holderStatus.trouble = error.forLock(this.name);
      });
      if (!held) return false;
      hold.confirm(sentAt, leaseMs, changes, true);
      hold.minReplicas = minReplicas;
      hold.fresh = true;
      return hold.valid;
    } catch (error) {
      // A defect must not leave a caller waiting without an end.
      if (!(error instanceof LockUnavailableError)) this.rejectAll(error as Error);
      return false;
    }
  }

  /** Never rejects. */
  private giveBack(hold: Hold, keepMs: number, observer: HoldObserver | null): Promise<ReleaseOutcome> {
    const { keeper, store, turns, work } = this.context;
    this.lastUsed = hold.tokensUsed;
    this.hold = null;
    this.phase = 'releasing';
    work.begin();
    const heard = store.heard?.(this.name);
    const done = (outcome: ReleaseOutcome, others: number): ReleaseOutcome => {
      observer?.onReleased(outcome);
      turns.onReleased(this.name, heard, others);
      this.proceed();
      work.end();
      return outcome;
    };
    const released = store.release(this.name, hold.owner, Math.ceil(keepMs));
    keeper.unwatch(hold);
    return released.then(
      ({ held, listeners }: ReleaseReply) => done(held ? 'released' : 'lost', listeners),
      (error: unknown) => {
        this.holderStatus.clear();
        this.releaseInBackground(hold, keepMs, error);
        return done('unconfirmed', 0);
      },
    );
  }

  /** Redis may not have carried out the release, which failed with `error`. */
  private releaseInBackground(hold: Hold, keepMs: number, error: unknown): void {
    // A release that is only late is not sent again: its reply settles it.
    const underWay = error instanceof OverdueError ? error.reply : undefined;
    this.context.cleanUps.add(this.name, hold.owner, hold.leaseMs, { keepMs, underWay });
  }

  /** The lock may be free for others by now, so it is for our own callers, too, whatever the old holder still does. */
  onHoldLost(hold: Hold): void {
    if (this.hold !== hold) return;
    this.hold = null;
    if (hold.lost?.reason === 'expired') this.holderStatus.clear();
    // After "expired", a renewal still in flight could prolong the lock for no caller. After "taken", the lock may be gone
    // without a notification (DEL, FLUSHALL, eviction): the release of an owner that finds it free notifies all waiters.
    this.context.cleanUps.add(this.name, hold.owner, hold.leaseMs);
    this.proceed();
  }
}
