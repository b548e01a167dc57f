import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Inject, Injectable, ServiceUnavailableException } from '@nestjs/common';
import { Redis } from 'ioredis';
import { REDIS } from '../../cache/redis.js';
import { CatalogBuilder } from '../catalog-builder.js';
import { CatalogCache } from '../catalog-cache.js';
import type { RebuildGuard } from './rebuild-guard.js';

const leaseSeconds = 5;
const pauseMs = 100;
const patienceMs = 60_000;

const deleteIfMine = `
if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) else return 0 end`;

/**
 * For comparison, the lock as it is often written by hand: SET NX EX with a UUID, a script that compares and deletes,
 * and 100 ms of sleep between two tries. It is not renewed: a rebuild of more than 5 s runs twice.
 */
@Injectable()
export class Stage5Guard implements RebuildGuard {
  constructor(
    @Inject(REDIS) private readonly redis: Redis,
    @Inject(CatalogCache) private readonly cache: CatalogCache,
    @Inject(CatalogBuilder) private readonly builder: CatalogBuilder,
  ) {}

  async rebuild(section: string): Promise<string> {
    const key = `stage5:catalog:${section}`;
    const owner = randomUUID();
    const end = Date.now() + patienceMs;
    while ((await this.redis.set(key, owner, 'EX', leaseSeconds, 'NX')) !== 'OK') {
      if (Date.now() > end) throw new ServiceUnavailableException(`The lock ${key} stayed taken.`);
      await sleep(pauseMs);
    }
    try {
      return (await this.cache.get(section)) ?? (await this.builder.build(section));
    } finally {
      await this.redis.eval(deleteIfMine, 1, key, owner);
    }
  }
}
