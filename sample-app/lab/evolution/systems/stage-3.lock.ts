import type { Redis } from 'ioredis';
import type { LockTimings } from './evolution-lock.js';
import { SpinLock } from './spin-lock.js';

const value = '1111';

/**
 * SET NX with an expiry (5 s) in one command, work, DEL.
 *
 * Its flaw: whose lock it deletes. If the work takes longer than the expiry, somebody else holds the lock by then, and
 * the DEL takes it away from them.
 */
export class Stage3Lock extends SpinLock {
  private readonly leaseMs: number;

  constructor(
    private readonly redis: Redis,
    timings: LockTimings = {},
  ) {
    super('stage-3', timings);
    this.leaseMs = timings.leaseMs ?? 5_000;
  }

  protected async take(key: string): Promise<string | null> {
    return (await this.redis.set(key, value, 'PX', this.leaseMs, 'NX')) === 'OK' ? value : null;
  }

  protected async giveBack(key: string): Promise<void> {
    await this.redis.del(key);
  }
}
