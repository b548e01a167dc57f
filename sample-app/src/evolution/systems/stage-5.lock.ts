import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { EvolutionLock } from './evolution-lock.js';

const leaseSeconds = 5;
const pauseMs = 100;

const deleteIfMine = `
if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) else return 0 end`;

/**
 * The lock as it is often written by hand: SET NX EX with a UUID, a script that compares and deletes, and 100 ms of
 * sleep between two tries. It is not renewed: work of more than 5 s runs twice.
 */
export class Stage5Lock implements EvolutionLock {
  constructor(private readonly redis: Redis) {}

  async withLock<T>(name: string, work: () => Promise<T>): Promise<T> {
    const key = `stage-5:${name}`;
    const owner = randomUUID();
    while ((await this.redis.set(key, owner, 'EX', leaseSeconds, 'NX')) !== 'OK') await sleep(pauseMs);
    try {
      return await work();
    } finally {
      await this.redis.eval(deleteIfMine, 1, key, owner);
    }
  }
}
