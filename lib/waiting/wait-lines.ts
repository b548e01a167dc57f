import { LockShutdownError } from '../errors/index.js';
import type { Hold, HoldKeeper } from '../holds/hold.js';
import type { ReleaseOutcome } from '../holds/release-outcome.js';
import { LinkedList } from '../lists/linked-list.js';
import type { LockStore } from '../stores/lock-store.js';
import { Settler } from '../stores/settler.js';
import { TimerWheel } from '../time/timer-wheel.js';
import type { LineContext, LineLimits } from './line-context.js';
import { OpenWork } from './open-work.js';
import { Turns } from './turn.js';
import { WaitLine } from './wait-line.js';
import type { WaitLineLength } from './wait-line-length.js';
import type { Claim, WaitRequest } from './waiter.js';

/** How many idle lines are kept for the next caller. A `Map` whose entries change with every section makes late garbage. */
const MAX_IDLE = 128;

/** All wait lines of one service: one for each name that is wanted now, and those used last. */
export class WaitLines {
  private readonly lines = new Map<string, WaitLine>();
  /** Those of them that are idle, the longest unused first. */
  private readonly idle = new LinkedList<WaitLine>();
  private readonly settler: Settler;
  private readonly context: LineContext;
  private owners = 0;
  private closed = false;

  /** @param clientId unguessable and unique to this service: the first half of every owner it makes */
  constructor(store: LockStore, keeper: HoldKeeper, limits: LineLimits, clientId: string) {
    this.settler = new Settler(store);
    this.context = {
      store,
      keeper,
      settler: this.settler,
      timeouts: new TimerWheel(true),
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
    for (const line of this.lines.values()) sum += line.waiting;
    return sum;
  }

  /** The lines with waiting callers. */
  lengths(): WaitLineLength[] {
    const lengths: WaitLineLength[] = [];
    for (const { name, waiting } of this.lines.values()) if (waiting > 0) lengths.push({ name, waiting });
    return lengths;
  }

  /** How many abandoned requests still have to be undone in the background. */
  get unsettled(): number {
    let sum = this.settler.size;
    for (const line of this.lines.values()) if (line.pursuesForNobody) sum += 1;
    return sum;
  }

  /**
   * Waits for the lock in turn, and resolves with what `claim` makes of it.
   *
   * @param underLease whether the caller runs in a section that a shutdown waits for
   */
  join<T>(name: string, request: WaitRequest, claim: Claim<T>, underLease = false): Promise<T> {
    if (this.closed) return Promise.reject(new LockShutdownError(name));
    let line = this.lines.get(name);
    if (line === undefined) {
      line = new WaitLine(name, this.context);
      this.lines.set(name, line);
    } else this.idle.remove(line);
    return line.join(request, claim, underLease);
  }

  release(hold: Hold, keepMs: number): Promise<ReleaseOutcome> {
    const line = this.lines.get(hold.name);
    if (line !== undefined) return line.release(hold, keepMs);
    hold.observer?.onReleased('lost');
    return Promise.resolve('lost');
  }

  private onIdle(name: string): void {
    const line = this.lines.get(name);
    if (line?.list !== null) return;
    this.idle.push(line);
    if (this.idle.size > MAX_IDLE) this.forget(this.idle.first as WaitLine);
  }

  private forget(line: WaitLine): void {
    this.idle.remove(line);
    this.lines.delete(line.name);
  }

  /** Refuses waiting callers, except those that run in a section. */
  refuseOutsiders(): void {
    for (const line of [...this.lines.values()]) line.refuse(false);
  }

  /** Refuses all waiting callers, and all new ones. */
  refuseAll(): void {
    this.closed = true;
    for (const line of [...this.lines.values()]) line.refuse(true);
  }

  /** Settles what is open, as far as one more try can. */
  async close(): Promise<void> {
    this.refuseAll();
    // A request under way may still take a lock; each ends within its time limit.
    await this.context.work.done();
    await this.settler.close();
    this.context.timeouts.clear();
  }
}
