import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Injectable, type INestApplicationContext } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { currentLease, LockService, RedisLockModule, WithLock } from 'nestjs-redis-lock';
import { testRedisUrl, uniqueName } from '../support/test-redis.js';
import { untilIdle } from '../support/until-idle.js';

const READERS = 100;
const replicas = 3;

/** The cache that the replicas share, and how often the slow query ran. */
const cache = new Map<string, string>();
let queries = 0;

/** The catalog of the guide, with a cache of its own. */
@Injectable()
class Catalog {
  async read(section: string): Promise<string> {
    return cache.get(section) ?? (await this.rebuild(section));
  }

  @WithLock('catalog:<0>', { wait: 30_000 })
  async rebuild(section: string): Promise<string> {
    const known = cache.get(section);
    if (known !== undefined) return known;
    queries += 1;
    await new Promise((resolve) => setTimeout(resolve, 100));
    currentLease()?.assertHeld();
    cache.set(section, `built ${String(queries)}`);
    return `built ${String(queries)}`;
  }
}

describe('the guide against a cache stampede', () => {
  let apps: INestApplicationContext[];

  beforeEach(async () => {
    cache.clear();
    queries = 0;
    const keyPrefix = `${uniqueName('stampede')}:`;
    apps = [];
    for (let i = 0; i < replicas; i += 1) {
      const imports = [RedisLockModule.forRoot({ url: testRedisUrl(), keyPrefix })];
      const app = await Test.createTestingModule({ imports, providers: [Catalog] }).compile();
      apps.push(await app.init());
    }
  });
  afterEach(() => Promise.all(apps.map((app) => app.close())));

  it('runs the query once for many readers on three replicas, and returns the result to all of them', async () => {
    const reads = apps.flatMap((app) => Array.from({ length: READERS }, () => app.get(Catalog).read('shoes')));
    expect(new Set(await Promise.all(reads))).toEqual(new Set(['built 1']));
    expect(queries).toBe(1);
    await untilIdle(...apps.map((app) => app.get(LockService)));
  });
});
