import { inServiceContext } from '../context/service-context.js';
import { LockAbortedError, LockUnavailableError, type LockError } from '../errors/index.js';
import type { Linked, LinkedList } from '../lists/linked-list.js';
import type { Hold, HoldObserver, HoldOwner } from '../holds/hold.js';
import type { ReleaseOutcome } from '../holds/release-outcome.js';
import type { ReleaseReply } from '../stores/lock-store.js';
import { OverdueError, orLate } from '../stores/overdue-error.js';
import { monotonic } from '../time/clock.js';
import type { QueueContext } from './queue-context.js';
import { AcquireLoop, type AcquiringQueue } from './acquire-loop.js';
import { MAX_PATIENCE_MS } from './turn.js';
import type { Claim, Waiter, WaitRequest } from './waiter.js';
import { Waiters } from './waiters.js';

/**
 * - `idle`: no caller of this process waits for the lock or holds it.
 * - `acquiring`: the acquire loop runs for the first waiter.
 * - `held`: a caller of this process holds the lock.
 * - `passing`: the hold is renewed for the next local caller.
 * - `releasing`: the release is in flight.
 */
type Phase = 'idle' | 'acquiring' | 'held' | 'passing' | 'releasing';

const RELEASED: Promise<ReleaseOutcome> = Promise.resolve('released');

/**
 * The callers of this process that want one lock, in the order of their calls. Only the request of the first one goes
 * to Redis.
 */
export class LocalQueue implements AcquiringQueue, HoldOwner, Linked<LocalQueue> {
  /** @internal The list of idle queues, and its neighbours in it. */
  list: LinkedList<LocalQueue> | null = null;
  /** @internal */
  previous: LocalQueue | null = null;
  /** @internal */
  next: LocalQueue | null = null;
  private readonly waiters: Waiters;
  private phase: Phase = 'idle';
  private hold: Hold | null = null;
  /** How many callers the last hold served. */
  private lastUsed = 0;

  constructor(
    readonly name: string,
    private readonly context: QueueContext,
  ) {
    this.waiters = new Waiters(name, context.timeouts, () => this.hold);
  }

  get waiting(): number {
    return this.waiters.size;
  }

  /** Whether a request without a waiter is in flight, which may need a clean-up. */
  get acquiresForNoWaiter(): boolean {
    return this.waiters.size === 0 && (this.phase === 'acquiring' || this.phase === 'passing');
  }

  /**
   * Waits for the lock, and resolves with the result of `claim`.
   *
   * @param underLease whether the caller runs in a section that a shutdown waits for
   */
  join<T>(request: WaitRequest, claim: Claim<T>, underLease = false): Promise<T> {
    const refusal = this.refusalOf(request);
    if (refusal !== null) {
      if (this.phase === 'idle') this.rest();
      return Promise.reject(refusal);
    }
    const served = this.waiters.add(request, claim, underLease);
    if (this.phase === 'idle') this.acquire();
    return served;
  }

  /**
   * Hands a hold over to the next local caller if there is one within the hand-over limits, or else releases it.
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
   * Rejects waiting callers during a shutdown. A holder keeps its lock.
   *
   * @param all `false`: callers that run in a section stay, since the shutdown waits for them
   */
  refuse(all: boolean): void {
    this.waiters.refuse(all);
  }

  private refusalOf({ signal, wait }: WaitRequest): LockError | null {
    const { waiters } = this;
    if (signal?.aborted === true) return new LockAbortedError(this.name, signal.reason);
    if (wait === 0 && this.phase !== 'idle')
      return waiters.holderStatus.trouble ?? waiters.currentStatus().busy('held', 0);
    if (waiters.size >= this.context.limits.maxWaiting) return waiters.currentStatus().busy('crowded', 0);
    return null;
  }

  private acquire(): void {
    const { store, cleanUps, limits, turns } = this.context;
    this.phase = 'acquiring';
    this.waiters.holderStatus.onNewHolder();
    // No more tokens than are likely to be used: unused ones would run ahead of the server's clock, and a server that
    // lost the last one would then issue smaller ones. A hand-over takes more than 1 µs, so `handOverTime` in µs is an
    // upper limit.
    const likely = Math.max(this.waiters.size, 2 * this.lastUsed);
    const tokens = Math.max(1, Math.min(limits.handOverCount, likely, limits.handOverTime * 1_000));
    const turn = turns.get(this.name);
    // Other processes waited for the lock when this one released it, so most likely one of them has it now: a caller
    // whose wait ends before the reply gets `LockBusyError`.
    if (turn !== null) this.waiters.holderStatus.onBusy(undefined);
    // A caller whose `wait` is too short to yield sends its request at once.
    const hasTime = (this.waiters.first?.request.wait ?? 0) > MAX_PATIENCE_MS;
    const loop = new AcquireLoop(
      this,
      this.waiters,
      store,
      cleanUps,
      this.context.nextOwner(),
      tokens,
      hasTime ? turn : null,
    );
    this.waiters.loop = loop;
    this.context.work.begin();
    void inServiceContext(() => loop.run());
  }

  onAcquired(hold: Hold | null): void {
    this.waiters.loop = null;
    this.waiters.holderStatus.onBusy(undefined);
    if (hold === null) this.proceed();
    else this.serve(hold);
    this.context.work.end();
  }

  onDefect(error: unknown): void {
    this.waiters.loop = null;
    this.waiters.rejectAll(error instanceof Error ? error : new Error(String(error)));
    this.proceed();
    this.context.work.end();
  }

  /** Starts an acquisition for the next waiter; without waiters the queue becomes idle. */
  private proceed(): void {
    if (this.waiters.first !== null) {
      this.acquire();
      return;
    }
    this.rest();
  }

  /** Also drops what is known of the holder, which will be outdated when the queue is used again. */
  private rest(): void {
    this.phase = 'idle';
    this.lastUsed = 0;
    this.waiters.holderStatus.clear();
    this.context.onIdle(this.name);
  }

  private mayPassOn(hold: Hold): boolean {
    if (this.waiters.first === null || hold.doubtful || !hold.hasNextToken()) return false;
    if (monotonic() - hold.acquiredAt >= this.context.limits.handOverTime) return false;
    return hold.remaining() > hold.leaseMs / 3;
  }

  /**
   * Hands a hold over to the first waiter, after a renewal if that waiter needs another lease or more replicas.
   * Releases the hold if there is no waiter.
   */
  private serve(hold: Hold): void {
    this.phase = 'passing';
    this.hold = hold;
    const next = this.waiters.first;
    if (next === null) void this.giveBack(hold, 0, null);
    else if (this.fits(hold, next)) this.grant(hold, next);
    else void inServiceContext(() => this.renewThenServe(hold, next));
  }

  private grant(hold: Hold, { request }: Waiter): void {
    this.phase = 'held';
    hold.renewMs = request.renewMs;
    hold.minReplicas = request.minReplicas;
    hold.fresh = false;
    hold.queue = this;
    this.context.keeper.watch(hold);
    this.waiters.serveFirst(hold);
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
    // A caller gets the full length of its fixed lease, so a used lease must be renewed first.
    if (hold.fresh) return true;
    // If the process dies, the lock stays taken only for the rest of the lease.
    return request.renewMs !== undefined && hold.renews && hold.remaining() >= request.holdAtLeast;
  }

  private async renewFor(hold: Hold, leaseMs: number, minReplicas: number): Promise<boolean> {
    hold.foresee(leaseMs);
    const { changes } = hold;
    try {
      const renewal = this.context.store.renew(this.name, hold.owner, leaseMs, minReplicas, changes, true);
      const { held, sentAt } = await orLate(renewal, (error) => {
        this.waiters.holderStatus.trouble = error.forLock(this.name);
      });
      if (!held) return false;
      hold.confirm(sentAt, leaseMs, changes, true);
      hold.minReplicas = minReplicas;
      hold.fresh = true;
      return hold.valid;
    } catch (error) {
      // An unexpected error must not leave a caller waiting endlessly.
      if (!(error instanceof LockUnavailableError)) this.waiters.rejectAll(error as Error);
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
        this.waiters.holderStatus.clear();
        this.releaseInBackground(hold, keepMs, error);
        return done('unconfirmed', 0);
      },
    );
  }

  /** Called if the release failed with `error`, so that Redis may not have executed it. */
  private releaseInBackground(hold: Hold, keepMs: number, error: unknown): void {
    // An overdue release is not sent again while its reply may arrive.
    const underWay = error instanceof OverdueError ? error.reply : undefined;
    this.context.cleanUps.add(this.name, hold.owner, hold.leaseMs, { keepMs, underWay });
  }

  /**
   * Other processes can take the lock now, so the next local waiter may acquire it as well, even if the old section
   * still runs.
   */
  onHoldLost(hold: Hold): void {
    if (this.hold !== hold) return;
    this.hold = null;
    if (hold.lost?.reason === 'expired') this.waiters.holderStatus.clear();
    // After "expired", a renewal still in flight could prolong the lock for no caller. After "taken", the lock may be gone
    // without a notification (DEL, FLUSHALL, eviction): the release of an owner that finds it free notifies all waiters.
    this.context.cleanUps.add(this.name, hold.owner, hold.leaseMs);
    this.proceed();
  }
}
