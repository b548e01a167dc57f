import type { Redis } from 'ioredis';
import type { LockTimings } from './evolution-lock.js';
import { UuidLock } from './uuid-lock.js';

/** KEYS: lock. ARGV: the value it must have. 1: deleted, 0: not. */
export const deleteIfEqual = `
if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) else return 0 end`;

/**
 * SET NX with an expiry and a UUID; work; a script that compares and deletes in one step. The lock as it is often
 * written by hand.
 *
 * Its flaw: it is not renewed, so during work of more than 5 s a second caller enters, and the holder is not notified.
 * Waiters poll.
 */
export class Stage5Lock extends UuidLock {
  constructor(redis: Redis, timings: LockTimings = {}) {
    super('stage-5', redis, timings);
  }

  protected async giveBack(key: string, uuid: string): Promise<void> {
    await this.redis.eval(deleteIfEqual, 1, key, uuid);
  }
}
