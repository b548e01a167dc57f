import type { Redis } from 'ioredis';
import type { LockTimings } from './evolution-lock.js';
import { Lock2013 } from './lock-2013.lock.js';

/**
 * What the lock of 2013 would be with SET in the place of GETSET, as its article asks.
 *
 * Its flaw: of two that both see an old value, both overwrite it, and both believe that they hold the lock.
 */
export class Lock2013Set extends Lock2013 {
  constructor(nodes: readonly Redis[], timings: LockTimings = {}) {
    super(nodes, timings, 'lock-2013-set');
  }

  protected override async takeOver(node: Redis, key: string, until: string): Promise<boolean> {
    await node.set(key, until);
    return true;
  }
}
