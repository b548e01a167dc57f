import { LockShutdownError } from '../errors/index.js';
import type { Hold, HoldKeeper } from '../holds/hold.js';
import type { ReleaseOutcome } from '../holds/release-outcome.js';
import { LinkedList } from '../lists/linked-list.js';
import type { LockStore } from '../stores/lock-store.js';
import { CleanUps } from '../stores/clean-ups.js';
import { Deadlines } from '../time/deadlines.js';
import type { QueueContext, QueueLimits } from './queue-context.js';
import { OpenWork } from './open-work.js';
import { Turns } from './turn.js';
import { LocalQueue } from './local-queue.js';
import type { QueueLength } from './queue-length.js';
import type { Claim, WaitRequest } from './waiter.js';

/**
 * How many idle queues are kept for the next caller. A `Map` whose entries change with every section slows the garbage
 * collection: bench case "names" with 64 callers, a collection of young objects takes 1.6 times as long without it.
 */
const MAX_IDLE = 128;

/** All local queues of one service: one for each name that is wanted now, and those used last. */
export class LocalQueues {
  private readonly queues = new Map<string, LocalQueue>();
  /** Those of them that are idle, the longest unused first. */
  private readonly idle = new LinkedList<LocalQueue>();
  private readonly cleanUps: CleanUps;
  private readonly context: QueueContext;
  private owners = 0;
  private closed = false;

  /** @param clientId unguessable and unique to this service: the first half of every owner it makes */
  constructor(store: LockStore, keeper: HoldKeeper, limits: QueueLimits, clientId: string) {
    this.cleanUps = new CleanUps(store);
    this.context = {
      store,
      keeper,
      cleanUps: this.cleanUps,
      timeouts: new Deadlines(),
      limits,
      turns: new Turns(),
      nextOwner: () => `${clientId}:${String((this.owners += 1))}`,
      work: new OpenWork(),
      onIdle: (name) => {
        this.onIdle(name);
      },
    };
  }

  /** How many callers wait, over all names. */
  get waiting(): number {
    let sum = 0;
    for (const queue of this.queues.values()) sum += queue.waiting;
    return sum;
  }

  /** The lines with waiting callers. */
  lengths(): QueueLength[] {
    const lengths: QueueLength[] = [];
    for (const { name, waiting } of this.queues.values()) if (waiting > 0) lengths.push({ name, waiting });
    return lengths;
  }

  /** How many abandoned requests still have to be undone in the background. */
  get unsettled(): number {
    let sum = this.cleanUps.size;
    for (const queue of this.queues.values()) if (queue.acquiresForNoWaiter) sum += 1;
    return sum;
  }

  /**
   * Waits for the lock in turn, and resolves with what `claim` makes of it.
   *
   * @param underLease whether the caller runs in a section that a shutdown waits for
   */
  join<T>(name: string, request: WaitRequest, claim: Claim<T>, underLease = false): Promise<T> {
    if (this.closed) return Promise.reject(new LockShutdownError(name));
    let queue = this.queues.get(name);
    if (queue === undefined) {
      queue = new LocalQueue(name, this.context);
      this.queues.set(name, queue);
    } else this.idle.remove(queue);
    return queue.join(request, claim, underLease);
  }

  release(hold: Hold, keepMs: number): Promise<ReleaseOutcome> {
    const queue = this.queues.get(hold.name);
    if (queue !== undefined) return queue.release(hold, keepMs);
    hold.observer?.onReleased('lost');
    return Promise.resolve('lost');
  }

  private onIdle(name: string): void {
    const queue = this.queues.get(name);
    if (queue?.list !== null) return;
    this.idle.push(queue);
    if (this.idle.size > MAX_IDLE) this.forget(this.idle.first as LocalQueue);
  }

  private forget(queue: LocalQueue): void {
    this.idle.remove(queue);
    this.queues.delete(queue.name);
  }

  /** Refuses waiting callers, except those that run in a section. */
  refuseOutsiders(): void {
    for (const queue of [...this.queues.values()]) queue.refuse(false);
  }

  /** Refuses all waiting callers, and all new ones. */
  refuseAll(): void {
    this.closed = true;
    for (const queue of [...this.queues.values()]) queue.refuse(true);
  }

  /** Cleans up what is open, with one more try. */
  async close(): Promise<void> {
    this.refuseAll();
    // A request under way may still take a lock; each ends within its time limit.
    await this.context.work.done();
    await this.cleanUps.close();
    this.context.timeouts.clear();
  }
}
