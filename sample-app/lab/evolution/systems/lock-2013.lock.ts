import type { Redis } from 'ioredis';
import type { LockTimings } from './evolution-lock.js';
import { NodePool, writeEach } from './node-pool.js';
import { SpinLock } from './spin-lock.js';

/**
 * The lock in production since 2013, from before SET knew NX and PX. The value is the time at which the lock is over,
 * by the client's clock; the key itself has no expiry.
 *
 * Taking: SETNX. If the key is there: GET, and if the time in it is over, GETSET; the lock is acquired only if the old
 * value that GETSET returns has passed as well. A faster caller has left a time in the future there.
 *
 * Releasing, in two steps: check that the stored value is not over, then DEL. Read word by word ("verify that the
 * stored value has not expired"), the check would find the fresh time of the next holder and delete that one's lock,
 * which is what the article says it prevents. So the time that this holder itself has stored must not be over either.
 *
 * Several nodes: the first that can be reached decides, the others are written to one after another. The article names
 * neither the length of the lock nor how losers wait: 5 s and a sleep here, as in the other one.
 *
 * Its flaws: no renewal; the time between check and DEL; the multi-write, which lets two in when each reaches other
 * nodes; clocks that differ. A loser of GETSET has also put its own time in place of the winner's.
 */
export class Lock2013 extends SpinLock {
  private readonly pool: NodePool;
  private readonly leaseMs: number;

  constructor(nodes: readonly Redis[], timings: LockTimings = {}, system = 'lock-2013') {
    super(system, timings);
    this.pool = new NodePool(nodes);
    this.leaseMs = timings.leaseMs ?? 5_000;
  }

  protected take(key: string): Promise<string | null> {
    return this.pool.onReachable(async (node, others) => {
      const until = String(Date.now() + this.leaseMs);
      if (!(await this.takeOn(node, key, until))) return null;
      await writeEach(others, (other) => other.set(key, until));
      return until;
    });
  }

  protected giveBack(key: string, until: string): Promise<void> {
    return this.pool.onReachable(async (node, others) => {
      const stored = await node.get(key);
      if (stored === null || isOver(stored) || isOver(until)) return;
      await node.del(key);
      await writeEach(others, (other) => other.del(key));
    });
  }

  /** Replaces a time that has passed by the caller's. Returns whether the lock is acquired. */
  protected async takeOver(node: Redis, key: string, until: string): Promise<boolean> {
    const old = await node.getset(key, until);
    return old === null || isOver(old);
  }

  private async takeOn(node: Redis, key: string, until: string): Promise<boolean> {
    if ((await node.setnx(key, until)) === 1) return true;
    const stored = await node.get(key);
    return stored !== null && isOver(stored) && (await this.takeOver(node, key, until));
  }
}

function isOver(time: string): boolean {
  return Number(time) <= Date.now();
}
