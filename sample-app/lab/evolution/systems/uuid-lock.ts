import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { LockTimings } from './evolution-lock.js';
import { SpinLock } from './spin-lock.js';

/** What stages 4 and 5 have in common: SET NX with an expiry (5 s), and a value of its own for every holder. */
export abstract class UuidLock extends SpinLock {
  private readonly leaseMs: number;

  constructor(
    system: string,
    protected readonly redis: Redis,
    timings: LockTimings = {},
  ) {
    super(system, timings);
    this.leaseMs = timings.leaseMs ?? 5_000;
  }

  protected async take(key: string): Promise<string | null> {
    const uuid = randomUUID();
    return (await this.redis.set(key, uuid, 'PX', this.leaseMs, 'NX')) === 'OK' ? uuid : null;
  }
}
