import { afterAll, beforeAll, describe, it } from '@jest/globals';
import fc from 'fast-check';
import type { Redis } from 'ioredis';
import { MemoryState } from '../../../lib/stores/memory/memory-state.js';
import { MemoryStore } from '../../../lib/stores/memory/memory-store.js';
import { openClient, openSubscriberFor } from '../../../lib/stores/redis/connection/open-client.js';
import { RedisStore } from '../../../lib/stores/redis/redis-store.js';
import { redisClient, testRedisUrl } from '../../support/test-redis.js';
import { runInterleaving, steps } from './interleavings.js';

const runs = Number(process.env.PROPERTY_RUNS ?? 40);

describe('any interleaving of acquire, release, expiry, abort, lost messages and flushes', () => {
  it('keeps holders apart, lets tokens grow and forgets nobody, in memory', async () => {
    const property = fc.asyncProperty(steps, async (plan) => {
      const state = new MemoryState();
      const openStore = () => Promise.resolve(new MemoryStore(state, ''));
      await runInterleaving(plan, openStore, async () => {
        state.flush();
      });
    });
    await fc.assert(property, { numRuns: runs, endOnFailure: true });
  }, 400_000);

  describe('on Redis', () => {
    let admin: Redis;
    beforeAll(() => {
      admin = redisClient();
    });
    afterAll(() => {
      admin.disconnect();
    });

    it('keeps holders apart, lets tokens grow and forgets nobody, on Redis', async () => {
      const openStore = async () => {
        const client = openClient(testRedisUrl());
        const store = new RedisStore({
          client,
          ownsClient: true,
          openSubscriber: () => openSubscriberFor(client),
          keyPrefix: 'lock:',
          commandTimeout: 1_000,
          tokenTtl: 60_000,
        });
        await store.connect(5_000);
        return store;
      };
      const flush = async (name: string): Promise<void> => {
        await admin.del(`lock:${name}`, `redisson_lock_token:{lock:${name}}`);
        await admin.script('FLUSH');
      };
      await fc.assert(
        fc.asyncProperty(steps, (plan) => runInterleaving(plan, openStore, flush)),
        { numRuns: runs, endOnFailure: true },
      );
    }, 400_000);
  });
});
