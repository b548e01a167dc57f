import { LockAbortedError, LockShutdownError, LockUnavailableError, type LockError } from '../errors/index.js';
import type { Hold } from '../stores/hold.js';
import type { TimerWheel } from '../time/timer-wheel.js';
import { HolderNews } from './holder-news.js';
import type { LineContext, ReleaseOutcome } from './line-context.js';
import { Pursuit, type PursuingLine } from './pursuit.js';
import { Waiter, type WaitersLine, type WaitRequest } from './waiter.js';
import { WaiterQueue } from './waiter-queue.js';

/**
 * - `idle`: nobody here wants the lock.
 * - `pursuing`: the head's request is under way to Redis, or waits there.
 * - `held`: a caller of this process has it.
 * - `passing`: it is being renewed for the next local caller.
 * - `releasing`: it is on its way back to Redis.
 */
type Phase = 'idle' | 'pursuing' | 'held' | 'passing' | 'releasing';

/** The callers of this process that want one lock, in the order they came. Only the head's wish reaches Redis. */
export class WaitLine implements PursuingLine, WaitersLine {
  private readonly queue = new WaiterQueue();
  private phase: Phase = 'idle';
  private hold: Hold | null = null;
  private pursuit: Pursuit | null = null;
  /** How many callers the last hold served. */
  private lastUsed = 0;
  private readonly news: HolderNews;

  constructor(
    readonly name: string,
    private readonly context: LineContext,
  ) {
    this.news = new HolderNews(name);
  }

  get timeouts(): TimerWheel {
    return this.context.timeouts;
  }

  get waiting(): number {
    return this.queue.size;
  }

  /** Whether a request is under way though nobody waits any more: it may still have to be undone. */
  get pursuesForNobody(): boolean {
    return this.queue.size === 0 && (this.phase === 'pursuing' || this.phase === 'passing');
  }

  /** Waits for the lock in turn. */
  join(request: WaitRequest): Promise<Hold> {
    const refusal = this.refusalOf(request);
    if (refusal !== null) {
      if (this.phase === 'idle') this.context.onIdle(this.name);
      return Promise.reject(refusal);
    }
    const waiter = new Waiter(request, this);
    this.queue.push(waiter);
    if (this.phase === 'idle') this.context.track(this.pursue(false));
    return waiter.granted;
  }

  /**
   * Gives a hold back: to the next local caller if there is one and the budget allows it, else to Redis.
   *
   * @param keepMs if above 0, the lock stays taken for that long
   */
  async release(hold: Hold, keepMs: number): Promise<ReleaseOutcome> {
    hold.observer = null;
    if (this.hold !== hold) return 'lost';
    if (keepMs === 0 && this.mayPassOn(hold)) {
      this.context.keeper.unwatch(hold);
      hold.advanceToken();
      this.context.track(this.serve(hold));
      return 'released';
    }
    return this.giveBack(hold, keepMs);
  }

  /** Refuses everyone who waits. A holder keeps what it has. */
  refuseAll(): void {
    this.rejectAll(new LockShutdownError(this.name));
  }

  head(): Waiter | null {
    return this.queue.first;
  }

  onBusy(remainingMs: number | undefined): void {
    this.news.onBusy(remainingMs);
    const { first } = this.queue;
    if (first?.request.wait === 0) this.leave(first, this.news.failure(first.waitedMs()));
  }

  onSplit(last: boolean): void {
    this.news.onBusy(undefined);
    const { first } = this.queue;
    // One try is over when somebody has the lock: if all gave up because nobody has it, nobody would get it.
    if (last && first?.request.wait === 0) this.leave(first, this.news.failure(first.waitedMs()));
  }

  onTrouble(error: LockUnavailableError): void {
    this.news.trouble = error;
    if (!error.retryable) this.rejectAll(error);
    const { first } = this.queue;
    if (first?.request.wait === 0) this.leave(first, error);
  }

  private refusalOf({ signal, wait }: WaitRequest): LockError | null {
    if (signal?.aborted === true) return new LockAbortedError(this.name, signal.reason);
    if (wait === 0 && this.phase !== 'idle') return this.news.trouble ?? this.currentNews().busy('held', 0);
    if (this.queue.size >= this.context.limits.maxWaiting) return this.currentNews().busy('crowded', 0);
    return null;
  }

  leave(waiter: Waiter, error: Error): void {
    if (!this.queue.remove(waiter)) return;
    waiter.reject(error);
    if (this.queue.size === 0) this.pursuit?.wake();
  }

  private rejectAll(error: Error): void {
    for (let waiter = this.queue.first; waiter !== null; waiter = this.queue.first) this.leave(waiter, error);
  }

  onExpired(waiter: Waiter): void {
    this.leave(waiter, this.currentNews().failure(waiter.waitedMs()));
  }

  private currentNews(): HolderNews {
    if (this.hold !== null) this.news.onBusy(Math.max(0, this.hold.remaining()));
    return this.news;
  }

  private async pursue(stepBack: boolean): Promise<void> {
    const { store, settler, limits } = this.context;
    this.phase = 'pursuing';
    this.news.onNewHolder();
    // No more than are likely to be used: tokens reserved for nobody would run ahead of the server's clock, and a server
    // that lost the last one would then issue smaller ones. A hand-over takes more than a µs.
    const likely = Math.max(this.queue.size, 2 * this.lastUsed);
    const tokens = Math.max(1, Math.min(limits.handOverCount, likely, limits.handOverMs * 1_000));
    const pursuit = new Pursuit(this, store, settler, this.context.nextOwner(), tokens);
    this.pursuit = pursuit;
    try {
      const hold = await pursuit.run(stepBack);
      this.pursuit = null;
      this.news.onBusy(undefined);
      if (hold !== null) await this.serve(hold);
      else this.proceed(false);
    } catch (error) {
      // A defect must not leave anybody waiting for ever.
      this.pursuit = null;
      this.rejectAll(error instanceof Error ? error : new Error(String(error)));
      this.proceed(false);
    }
  }

  /** Whoever waits is next; else the line is done. */
  private proceed(stepBack: boolean): void {
    if (this.queue.first !== null) {
      this.context.track(this.pursue(stepBack));
      return;
    }
    this.phase = 'idle';
    this.context.onIdle(this.name);
  }

  private mayPassOn(hold: Hold): boolean {
    if (this.queue.first === null || hold.doubtful || !hold.hasNextToken()) return false;
    if (performance.now() - hold.acquiredAt >= this.context.limits.handOverMs) return false;
    return hold.remaining() > hold.leaseMs / 3;
  }

  /** Hands a hold to the first waiter; renews it before if that one wants another lease, or more replicas, than it has. */
  private async serve(hold: Hold): Promise<void> {
    this.phase = 'passing';
    this.hold = hold;
    for (let next = this.queue.first; next !== null; next = this.queue.first) {
      const { leaseMs, renews, minReplicas } = next.request;
      if (this.fits(hold, next)) {
        this.queue.remove(next);
        this.phase = 'held';
        hold.renews = renews;
        hold.minReplicas = minReplicas;
        hold.fresh = false;
        hold.onLost = () => {
          this.onHoldLost(hold);
        };
        this.context.keeper.watch(hold);
        next.resolve(hold);
        return;
      }
      if (!(await this.renewFor(hold, leaseMs, minReplicas))) break;
    }
    await this.giveBack(hold, 0);
  }

  private fits(hold: Hold, { request }: Waiter): boolean {
    if (hold.leaseMs !== request.leaseMs || hold.minReplicas < request.minReplicas || hold.remaining() <= 0)
      return false;
    // A fixed lease is the caller's from the start: what an earlier caller used of it must be given back first.
    return hold.fresh || (request.renews && hold.renews);
  }

  private async renewFor(hold: Hold, leaseMs: number, minReplicas: number): Promise<boolean> {
    try {
      const { held, sentAt } = await this.context.store.renew(this.name, hold.owner, leaseMs, minReplicas);
      if (!held) return false;
      hold.confirm(sentAt, leaseMs);
      hold.minReplicas = minReplicas;
      hold.fresh = true;
      return hold.remaining() > 0;
    } catch (error) {
      if (!(error instanceof LockUnavailableError)) throw error;
      return false;
    }
  }

  private async giveBack(hold: Hold, keepMs: number): Promise<ReleaseOutcome> {
    this.context.keeper.unwatch(hold);
    this.lastUsed = hold.tokensUsed;
    this.hold = null;
    this.phase = 'releasing';
    let outcome: ReleaseOutcome = 'unconfirmed';
    let othersWait = false;
    try {
      const reply = await this.context.store.release(this.name, hold.owner, Math.ceil(keepMs));
      outcome = reply.held ? 'released' : 'lost';
      othersWait = reply.listeners > 0;
    } catch {
      this.news.clear();
      this.context.settler.settle(this.name, hold.owner, hold.leaseMs, keepMs);
    }
    this.proceed(othersWait);
    return outcome;
  }

  /** The lock may be free for others by now, so it is for our own callers, too, whatever the old holder still does. */
  private onHoldLost(hold: Hold): void {
    if (this.hold !== hold) return;
    this.hold = null;
    // A renewal that is still under way could bring the lock back to life for nobody.
    if (hold.lost?.reason === 'expired') {
      this.news.clear();
      this.context.settler.settle(this.name, hold.owner, hold.leaseMs);
    }
    this.proceed(false);
  }
}
