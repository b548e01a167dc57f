import type { Redis } from 'ioredis';
import type { LockTimings } from './evolution-lock.js';
import { SpinLock } from './spin-lock.js';

const value = '1111';

/**
 * SET NX with an expiry (5 s) in one command, work, DEL.
 *
 * Its flaw: if the work takes longer than the expiry, another caller holds the lock by then, and the DEL deletes that
 * lock.
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
