import { inServiceContext } from '../context/service-context.js';
import { LockAbortedError, type LockError } from '../errors/index.js';
import type { Hold } from '../holds/hold.js';
import type { Linked, LinkedList } from '../lists/linked-list.js';
import { AcquireLoop, type AcquiringQueue } from './acquire-loop.js';
import { LocalHolds } from './local-holds.js';
import type { QueueContext } from './queue-context.js';
import type { QueueState } from './queue-rules.js';
import { MAX_PATIENCE_MS } from './turn.js';
import type { Claim, Waiter, WaitRequest } from './waiter.js';

/**
 * The callers of this process that want one lock, in the order of their calls. Only the request of the first one goes
 * to Redis.
 *
 * Of a semaphore, several callers can have permits at a time. As long as there are enough, each caller's request goes to
 * Redis at once. From the first reply that there are too few, only that of the first one does.
 */
export class LocalQueue extends LocalHolds implements AcquiringQueue, QueueState, Linked<LocalQueue> {
  /** @internal The list of idle queues, and its neighbours in it. */
  list: LinkedList<LocalQueue> | null = null;
  /** @internal */
  previous: LocalQueue | null = null;
  /** @internal */
  next: LocalQueue | null = null;
  maxLoops: number;

  /** @param key identifies it among the local queues */
  constructor(
    name: string,
    context: QueueContext,
    readonly key = name,
  ) {
    super(name, context);
    this.maxLoops = context.rules.maxLoops;
  }

  get waiting(): number {
    return this.waiters.size;
  }

  /** Whether a request without a waiter is in flight, which may need a clean-up. */
  get acquiresForNoWaiter(): boolean {
    return this.waiters.size === 0 && this.waiters.loops + this.waiters.promised > 0;
  }

  /** Whether no caller of this process waits for the lock or holds it, and no request is in flight. */
  private get idle(): boolean {
    return this.inUse + this.releasing + this.waiters.loops === 0;
  }

  /**
   * Waits for the lock, and resolves with the result of `claim`.
   *
   * @param underLease whether the caller runs in a section that a shutdown waits for
   */
  join<T>(request: WaitRequest, claim: Claim<T>, underLease = false): Promise<T> {
    const refusal = this.refusalOf(request);
    if (refusal !== null) {
      if (this.idle) this.rest();
      return Promise.reject(refusal);
    }
    const { first, loops } = this.waiters;
    if (first === null && loops === 0) this.maxLoops = this.context.rules.maxLoops;
    const served = this.waiters.add(request, claim, underLease);
    this.acquireMore();
    return served;
  }

  /**
   * Rejects waiting callers during a shutdown. A holder keeps its lock.
   *
   * @param all `false`: callers that run in a section stay, since the shutdown waits for them
   */
  refuse(all: boolean): void {
    this.waiters.refuse(all);
  }

  private refusalOf(request: WaitRequest): LockError | null {
    const { waiters, context } = this;
    const { signal, wait } = request;
    if (signal?.aborted === true) return new LockAbortedError(this.name, signal.reason);
    if (wait === 0 && !this.idle && context.rules.hasToWait(request, this)) {
      return waiters.holderStatus.trouble ?? waiters.currentStatus().busy('held', 0);
    }
    if (waiters.size + context.waitingApart(this.name) >= context.limits.maxWaiting)
      return waiters.currentStatus().busy('crowded', 0);
    return null;
  }

  /** The first waiter, unless it is to share a hold. */
  get firstToAcquire(): Waiter | null {
    const { first } = this.waiters;
    return first !== null && this.sharing?.serves(first) === true ? null : first;
  }

  private acquireMore(): void {
    this.sharing?.serve();
    if (this.firstToAcquire === null || !this.context.rules.mayAcquire(this)) return;
    const most = this.waiters.alike(this.maxLoops);
    while (this.waiters.loops < most) this.acquire();
  }

  private acquire(): void {
    const { store, cleanUps, limits, turns, rules } = this.context;
    this.waiters.holderStatus.onNewHolder();
    // No more tokens than are likely to be used: unused ones would run ahead of the server's clock, and a server that
    // lost the last one would then issue smaller ones. A hand-over takes more than 1 µs, so `handOverTime` in µs is an
    // upper limit.
    const likely = Math.max(this.waiters.size, 2 * this.lastUsed);
    const most = Math.min(rules.maxTokens, limits.handOverCount);
    const tokens = Math.max(1, Math.min(most, likely, limits.handOverTime * 1_000));
    const turn = rules.takesTurns ? turns.get(this.name) : null;
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
      this.context.nextOwner,
      tokens,
      hasTime ? turn : null,
    );
    this.waiters.addLoop(loop);
    this.context.work.begin();
    void inServiceContext(() => loop.run());
  }

  get hasOneLoop(): boolean {
    return this.waiters.loops === 1;
  }

  isSurplus(busy: boolean): boolean {
    if (busy) this.maxLoops = 1;
    return this.waiters.loops > this.maxLoops;
  }

  onAcquired(hold: Hold | null, loop: AcquireLoop): void {
    this.waiters.removeLoop(loop);
    this.waiters.holderStatus.onBusy(undefined);
    if (hold !== null) {
      this.maxLoops = Math.min(2 * this.maxLoops, this.context.rules.maxLoops);
      this.serve(hold);
    }
    this.proceed();
    this.context.work.end();
  }

  onDefect(error: unknown, loop: AcquireLoop): void {
    this.waiters.removeLoop(loop);
    this.waiters.rejectAll(error instanceof Error ? error : new Error(String(error)));
    this.proceed();
    this.context.work.end();
  }

  /** Starts an acquisition for the next waiter, if it may begin now; a queue without waiters becomes idle. */
  override proceed(): void {
    if (this.waiters.first !== null) this.acquireMore();
    else if (this.idle) this.rest();
  }

  /** Also drops what is known of the holder, which will be outdated when the queue is used again. */
  private rest(): void {
    this.lastUsed = 0;
    this.waiters.holderStatus.clear();
    this.context.onIdle(this.key);
  }
}
