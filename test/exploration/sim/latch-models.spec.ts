import { afterAll, beforeAll, describe, it } from '@jest/globals';
import fc from 'fast-check';
import type { Redis } from 'ioredis';
import { KIND } from '../../../lib/stores/redis/lua/kind.lua.js';
import { LATCH } from '../../../lib/stores/redis/lua/latch.lua.js';
import { redisClient, uniqueName } from '../../support/test-redis.js';
import { Notices } from './testing/notices.js';
import { Twin } from './testing/twin.js';

const TTL_MS = 500_000;
const base = uniqueName('latch-models');

const PLANTS = [
  'no count',
  'a count of Redisson',
  'no key of this library',
  'a request of long ago',
  'a request of late',
  'the holds of a semaphore',
  'permits',
  'a hash',
  'text',
  'text for the key of this library',
] as const;

interface Step {
  readonly op: 'set' | 'down' | 'count' | 'kind';
  readonly id: string;
  readonly count: number;
  /** Set before the script runs. */
  readonly plant: 'nothing' | (typeof PLANTS)[number];
}

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    op: fc.constantFrom<Step['op'][]>('set', 'set', 'down', 'down', 'down', 'down', 'count', 'kind'),
    id: fc.constantFrom('one', 'two', 'three', 'four', 'five', 'six'),
    count: fc.constantFrom(1, 2, 3),
    plant: fc.oneof(
      { weight: 5, arbitrary: fc.constant('nothing' as const) },
      { weight: 1, arbitrary: fc.constantFrom(...PLANTS) },
    ),
  }),
  { minLength: 1, maxLength: 25 },
);

interface Keys {
  readonly counter: string;
  readonly side: string;
  readonly holds: string;
  readonly permits: string;
}

describe('the simulation’s script of latches', () => {
  let redis: Redis;
  let notices: Notices;

  beforeAll(async () => {
    redis = redisClient();
    notices = await Notices.open(`${base}:channel:`);
  });
  afterAll(() => {
    redis.disconnect();
    notices.close();
  });

  it('answers, notifies and leaves behind what the Lua does on a real Redis', async () => {
    let round = 0;
    const property = fc.asyncProperty(steps, async (plan) => {
      round += 1;
      const [counter, side, holds, permits] = ['counter', 'side', 'holds', 'permits'].map(
        (what) => `${base}:${String(round)}:${what}`,
      ) as [string, string, string, string];
      const keys = { counter, side, holds, permits };
      const twin = new Twin(redis, () => notices.take(redis));
      for (const { op, id, count, plant } of plan) {
        await plantIn(twin, plant, keys, id, await twin.tick());
        const common = [side, TTL_MS, holds, permits, `${base}:channel:${String(round)}`];
        if (op === 'kind') await twin.call('KIND', KIND, [counter], [holds, permits, side]);
        else await twin.call('LATCH', LATCH, [counter], [op, ...common, id, count]);
        await twin.compare([counter, side, holds, permits]);
      }
      await redis.del(counter, side, holds, permits);
    });
    await fc.assert(property, { numRuns: Number(process.env.PROPERTY_RUNS ?? 60), seed: 13 });
  }, 120_000);
});

async function plantIn(twin: Twin, plant: Step['plant'], keys: Keys, id: string, now: number): Promise<void> {
  const { counter, side, holds, permits } = keys;
  const isOf = (type: string): boolean => ['none', type].includes(twin.model.type(side));
  switch (plant) {
    case 'nothing':
      return;
    case 'no count':
      return twin.del(counter);
    case 'a count of Redisson':
      await twin.del(side);
      return twin.set(counter, '2');
    case 'no key of this library':
      return twin.del(side);
    case 'a request of long ago':
      return isOf('zset') ? twin.zadd(side, id, now - 600_000) : undefined;
    case 'a request of late':
      return isOf('zset') ? twin.zadd(side, id, now - 500_000) : undefined;
    case 'the holds of a semaphore':
      await twin.zadd(holds, 'x', 1);
      return twin.pexpire(holds, 60_000);
    case 'permits':
      return twin.hset(permits, 'own', '3');
    case 'a hash':
      await twin.del(counter);
      return twin.hset(counter, 'someone', '1');
    case 'text':
      return twin.set(counter, 'x');
    case 'text for the key of this library':
      return twin.set(side, 'x', 60_000);
  }
}
