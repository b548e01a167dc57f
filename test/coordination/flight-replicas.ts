import KeyvRedis from '@keyv/redis';
import { createCache } from 'cache-manager';
import type { Redis } from 'ioredis';
import { Keyv } from 'keyv';
import {
  connectLockService,
  MemoryState,
  SingleFlightCache,
  type FlightCache,
  type FlightCacheStore,
  type LockService,
  type SingleFlightOptions,
} from 'nestjs-redis-lock';
import { redisClient, testRedisUrl } from '../support/test-redis.js';

/** One replica: its locks, its connection to the cache, and its single flight. */
export interface FlightReplica {
  readonly locks: LockService;
  readonly cache: FlightCache;
  readonly flight: SingleFlightCache;
}

/** The replicas of one test. Their caches share one store. */
export class FlightReplicas implements AsyncDisposable {
  private readonly closers: (() => Promise<unknown>)[] = [];
  private readonly shared: { locks?: MemoryState; cache?: Keyv } = {};

  constructor(private readonly kind: CacheKind) {}

  async open(options: SingleFlightOptions): Promise<FlightReplica> {
    const { kind } = this;
    const memory = (this.shared.locks ??= new MemoryState());
    const locks = await connectLockService({
      ...(kind === 'memory' ? { memory } : { url: testRedisUrl() }),
      lease: 1_500,
    });
    this.closers.push(() => locks.close());
    const cache = this.cache();
    return { locks, cache, flight: new SingleFlightCache(locks, cache, options) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.closers.map((close) => close()));
  }

  private cache(): FlightCache {
    if (this.kind === 'memory') return (this.shared.cache ??= new Keyv());
    if (this.kind === '{ get, set }') {
      const client = redisClient();
      this.closers.push(async () => {
        client.disconnect();
      });
      return textCache(client);
    }
    const keyv = new Keyv(new KeyvRedis(testRedisUrl()));
    this.closers.push(() => keyv.disconnect());
    return this.kind === 'Keyv' ? keyv : createCache({ stores: [new Keyv(), keyv] });
  }
}

/** The caches that the tests use: Keyv in memory, and on Redis Keyv, cache-manager with a memory in front, own code. */
export const CACHE_KINDS = ['memory', 'Keyv', 'cache-manager', '{ get, set }'] as const;
export type CacheKind = (typeof CACHE_KINDS)[number];

/** A cache as a user writes it on a Redis client. */
export function textCache(client: Redis): FlightCacheStore {
  return {
    get: async (key) => JSON.parse((await client.get(key)) ?? 'null') as unknown,
    set: (key: string, value: unknown, ttl: number) => client.set(key, JSON.stringify(value), 'PX', ttl),
  };
}
