import { inServiceContext } from '../context/service-context.js';
import { LockUnavailableError } from '../errors/index.js';
import type { Hold, HoldObserver, HoldOwner } from '../holds/hold.js';
import { SharedHold } from '../holds/shared-hold.js';
import type { ReleaseOutcome } from '../holds/release-outcome.js';
import type { ReleaseReply } from '../stores/lock-store.js';
import { OverdueError, orLate } from '../stores/overdue-error.js';
import { monotonic } from '../time/clock.js';
import type { QueueContext } from './queue-context.js';
import { Sharing } from './sharing.js';
import type { Waiter } from './waiter.js';
import { Waiters } from './waiters.js';

const RELEASED: Promise<ReleaseOutcome> = Promise.resolve('released');

/** The holds of one local queue: each goes to a waiter, from caller to caller within the limits, and back to the store. */
export abstract class LocalHolds implements HoldOwner {
  readonly waiters: Waiters;
  inUse = 0;
  hold: Hold | null = null;
  releasing = 0;
  /** How many callers the last hold served. */
  protected lastUsed = 0;

  /** For read-write locks. */
  protected readonly sharing: Sharing | null;

  constructor(
    readonly name: string,
    protected readonly context: QueueContext,
  ) {
    const { timeouts, rules, refusals } = context;
    const holder = (): Hold | null => (rules.of !== undefined || this.hold?.mode === 'read' ? null : this.hold);
    this.waiters = new Waiters(name, timeouts, holder, rules.of, refusals);
    this.sharing = rules.shares ? new Sharing(this, context) : null;
  }

  /** Starts what can be started for the waiters. Called when a hold was released or lost. */
  abstract proceed(): void;

  /**
   * Hands a hold over to the next local caller if there is one within the hand-over limits, or else releases it.
   *
   * @param keepMs if above 0, the lock stays taken for that long
   */
  release(hold: Hold, keepMs: number, observer: HoldObserver): Promise<ReleaseOutcome> {
    hold.detach(observer);
    if (!hold.inUse) {
      observer.onReleased('lost');
      return Promise.resolve('lost');
    }
    if (hold instanceof SharedHold) return this.releaseShared(hold, keepMs, observer);
    if (keepMs > 0 || !this.mayPassOn(hold)) return this.giveBack(hold, keepMs, observer);
    this.context.keeper.unwatch(hold);
    hold.advanceToken();
    observer.onReleased('released');
    this.serve(hold);
    return RELEASED;
  }

  private releaseShared(hold: SharedHold, keepMs: number, observer: HoldObserver): Promise<ReleaseOutcome> {
    hold.keep(keepMs);
    if (hold.users === 0 && this.sharing?.keeps(hold) !== true) return this.giveBack(hold, hold.keepMs, observer);
    observer.onReleased('released');
    return RELEASED;
  }

  dismiss(hold: SharedHold): void {
    void this.giveBack(hold, hold.keepMs, null);
  }

  private mayPassOn(hold: Hold): boolean {
    const { rules, limits } = this.context;
    const { first } = this.waiters;
    if (first === null || hold.doubtful || !hold.hasNextToken()) return false;
    if (!rules.mayServe(hold, first.request)) return false;
    if (monotonic() - hold.acquiredAt >= limits.handOverTime) return false;
    return hold.remaining() > hold.leaseMs / 3;
  }

  /**
   * Hands a hold over to the first waiter, after a renewal if that waiter needs another lease or more replicas.
   * Releases the hold if there is no waiter.
   */
  protected serve(hold: Hold): void {
    if (this.context.rules.of === 'latch') {
      this.waiters.serveAll(hold);
      return;
    }
    if (!hold.inUse) this.use(hold);
    const next = this.waiters.first;
    if (next === null || !this.context.rules.mayServe(hold, next.request)) void this.giveBack(hold, 0, null);
    else if (this.fits(hold, next)) this.grant(hold, next);
    else void inServiceContext(() => this.renewThenServe(hold, next));
  }

  private use(hold: Hold): void {
    hold.inUse = true;
    this.hold = hold;
    this.inUse += 1;
  }

  private drop(hold: Hold): void {
    hold.inUse = false;
    if (this.hold === hold) this.hold = null;
    this.inUse -= 1;
    if (hold instanceof SharedHold) this.sharing?.close(hold);
  }

  private grant(hold: Hold, { request }: Waiter): void {
    hold.renewMs = request.renewMs;
    hold.minReplicas = request.minReplicas;
    hold.fresh = false;
    hold.queue = this;
    this.context.keeper.watch(hold);
    this.waiters.serveFirst(hold);
    if (hold instanceof SharedHold) {
      this.sharing?.open(hold);
      this.sharing?.serve();
    }
  }

  /** Never rejects. */
  private async renewThenServe(hold: Hold, { request }: Waiter): Promise<void> {
    this.context.work.begin();
    this.waiters.promised += 1;
    const renewed = await this.renewFor(hold, request.leaseMs, request.minReplicas);
    this.waiters.promised -= 1;
    if (renewed) this.serve(hold);
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
      const { held, sentAt } = await orLate(hold.renew(leaseMs, true, minReplicas), (error) => {
        this.waiters.onLateRenewal(error.forLock(this.name));
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
    const { keeper, store, turns, work, rules } = this.context;
    this.lastUsed = hold.tokensUsed;
    this.drop(hold);
    this.releasing += 1;
    work.begin();
    if (rules.asksBeforeRelease) this.proceed();
    const heard = store.heard?.(this.name);
    const done = (outcome: ReleaseOutcome, others: number): ReleaseOutcome => {
      observer?.onReleased(outcome);
      if (rules.takesTurns) turns.onReleased(this.name, heard, others);
      this.releasing -= 1;
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
    if (!hold.inUse) return;
    this.drop(hold);
    if (hold.lost?.reason === 'expired') this.waiters.holderStatus.clear();
    // After "expired", a renewal still in flight could prolong the lock for no caller. After "taken", the lock may be gone
    // without a notification (DEL, FLUSHALL, eviction): the release of an owner that finds it free notifies all waiters.
    this.context.cleanUps.add(this.name, hold.owner, hold.leaseMs);
    this.proceed();
  }
}
