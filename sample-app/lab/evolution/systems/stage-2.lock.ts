import type { Redis } from 'ioredis';
import type { LockTimings } from './evolution-lock.js';
import { SpinLock } from './spin-lock.js';

const value = '111';

/**
 * SETNX, then EXPIRE (30 s), work, DEL.
 *
 * Its flaw: two commands. A crash between them leaves a key without an expiry, and no caller gets the lock again. It
 * also has the flaw of stage 3, after 30 s: it may delete the lock of another caller.
 */
export class Stage2Lock extends SpinLock {
  private readonly leaseMs: number;

  constructor(
    private readonly redis: Redis,
    timings: LockTimings = {},
  ) {
    super('stage-2', timings);
    this.leaseMs = timings.leaseMs ?? 30_000;
  }

  protected async take(key: string): Promise<string | null> {
    if ((await this.redis.setnx(key, value)) !== 1) return null;
    await this.redis.pexpire(key, this.leaseMs);
    return value;
  }

  protected async giveBack(key: string): Promise<void> {
    await this.redis.del(key);
  }
}
