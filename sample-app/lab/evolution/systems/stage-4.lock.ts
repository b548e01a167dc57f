import type { Redis } from 'ioredis';
import type { LockTimings } from './evolution-lock.js';
import { UuidLock } from './uuid-lock.js';

/**
 * SET NX with an expiry and a UUID; work; GET, compare in the client, DEL.
 *
 * Its flaw: the lock can expire between the GET and the DEL, which then deletes the lock of another caller. It is not
 * renewed: during work of more than 5 s a second caller enters.
 */
export class Stage4Lock extends UuidLock {
  constructor(redis: Redis, timings: LockTimings = {}) {
    super('stage-4', redis, timings);
  }

  protected async giveBack(key: string, uuid: string): Promise<void> {
    if ((await this.redis.get(key)) === uuid) await this.redis.del(key);
  }
}
