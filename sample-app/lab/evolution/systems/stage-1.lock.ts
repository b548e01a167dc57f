import type { Redis } from 'ioredis';
import type { LockTimings } from './evolution-lock.js';
import { SpinLock } from './spin-lock.js';

const value = '111';

/**
 * SETNX, work, DEL.
 *
 * Its flaw: if the holder crashes, or its work fails, the key stays forever, and no caller gets the lock again.
 */
export class Stage1Lock extends SpinLock {
  constructor(
    private readonly redis: Redis,
    timings: LockTimings = {},
  ) {
    super('stage-1', timings);
  }

  protected async take(key: string): Promise<string | null> {
    return (await this.redis.setnx(key, value)) === 1 ? value : null;
  }

  protected async giveBack(key: string): Promise<void> {
    await this.redis.del(key);
  }
}
