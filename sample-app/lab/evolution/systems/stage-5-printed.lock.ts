import type { Redis } from 'ioredis';
import type { LockTimings } from './evolution-lock.js';
import { deleteIfEqual } from './stage-5.lock.js';
import { UuidLock } from './uuid-lock.js';

/**
 * Stage 5 as the article's code has it, against what its text says: before the script it reads the lock's value, and
 * hands the script that value, not its own UUID.
 *
 * Its flaw: the lock is compared with itself, and deleted whichever caller holds it, as in stage 3.
 */
export class Stage5PrintedLock extends UuidLock {
  constructor(redis: Redis, timings: LockTimings = {}) {
    super('stage-5-printed', redis, timings);
  }

  protected async giveBack(key: string): Promise<void> {
    const lockValue = await this.redis.get(key);
    await this.redis.eval(deleteIfEqual, 1, key, lockValue ?? '');
  }
}
