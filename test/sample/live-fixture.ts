import { jest } from '@jest/globals';
import { Redis } from 'ioredis';
import { startBacking, type Backing } from '../../sample-app/start/backing.js';
import { startShop, type Shop } from '../../sample-app/start/shop.js';
import { buildSample, type BuiltSample } from './built-sample.js';

jest.setTimeout(120_000);

/** A shop with the lab and the live page, on a real Redis and a real PostgreSQL. */
export class LiveFixture {
  private constructor(
    readonly built: BuiltSample,
    readonly backing: Backing,
    readonly shop: Shop,
    /** Sees the shop's keys without their prefix. */
    readonly redis: Redis,
  ) {}

  static async start(replicas: number, env: NodeJS.ProcessEnv = {}): Promise<LiveFixture> {
    const built = await buildSample();
    const backing = await startBacking();
    const shop = await startShop({
      redisUrl: backing.redisUrl,
      databaseUrl: backing.databaseUrl,
      replicas,
      guard: 'with-lock',
      env: { REDIS_PREFIX: backing.redisPrefix, ...env },
      programs: built.folder,
    });
    return new LiveFixture(built, backing, shop, new Redis(backing.redisUrl, { keyPrefix: backing.redisPrefix }));
  }

  async stop(): Promise<void> {
    this.redis.disconnect();
    await this.shop.stop();
    await this.backing.stop();
    this.built.remove();
  }
}
