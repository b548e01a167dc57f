import { afterAll, beforeAll, describe, it } from '@jest/globals';
import fc from 'fast-check';
import type { Redis } from 'ioredis';
import { ACQUIRE_FAIR } from '../../../lib/stores/redis/lua/acquire-fair.lua.js';
import { RELEASE_FAIR } from '../../../lib/stores/redis/lua/release-fair.lua.js';
import { RENEW } from '../../../lib/stores/redis/lua/renew.lua.js';
import { redisClient, uniqueName } from '../../support/test-redis.js';
import { sideKeyOf } from './redis/script-model.js';
import { Notices } from './testing/notices.js';
import { Twin } from './testing/twin.js';

const SCRIPTS: Readonly<Record<string, string>> = { ACQUIRE_FAIR, RELEASE_FAIR, RENEW };
const TTL_MS = 500_000;
const base = uniqueName('fair-models');
const [CHANNELS, TOKENS, QUEUES, DEADLINES, PLACES] = ['channel', 'token', 'queue', 'deadlines', 'places'].map(
  (what) => `${base}:${what}:`,
) as [string, string, string, string, string];

const OWNERS = ['one:1', 'one:2', 'two:1', 'two:2'];
const [FIRST, SECOND] = OWNERS as [string, string];
/** Threads of Java services. */
const FOREIGN = ['java:7', 'java:8'];
const [JAVA] = FOREIGN as [string];

const PLANTS = [
  'a waiter of Redisson',
  'a waiter of Redisson at the head',
  'a waiter of Redisson that is late',
  'a place that has ended',
  'a place of the future',
  'a waiter that Redisson dropped',
  'a waiter without a deadline',
  'a place without a waiter',
  'no queue',
  'no deadlines',
  'no places',
  'a read-write lock',
  'text for a lock',
  'text for a queue',
  'text for the places',
  'no token',
  'no lock',
] as const;

interface Step {
  readonly script: string;
  /** Which locks, of two; the same one can be there several times. */
  readonly of: readonly number[];
  readonly owners: readonly string[];
  readonly waits: readonly boolean[];
  readonly ms: number;
  readonly keep: number;
  /** Set before the script runs. */
  readonly plant: 'nothing' | (typeof PLANTS)[number];
}

const MOST = 3;
const severalOf = <T>(one: fc.Arbitrary<T>): fc.Arbitrary<T[]> => fc.array(one, { minLength: MOST, maxLength: MOST });

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    script: fc.constantFrom(
      ...['ACQUIRE_FAIR', 'ACQUIRE_FAIR', 'ACQUIRE_FAIR', 'ACQUIRE_FAIR', 'RELEASE_FAIR', 'RELEASE_FAIR', 'RENEW'],
    ),
    of: fc.oneof(fc.constant([0]), fc.array(fc.nat({ max: 1 }), { minLength: 1, maxLength: MOST })),
    owners: severalOf(fc.constantFrom(...OWNERS)),
    waits: severalOf(fc.constantFrom(true, true, false)),
    ms: fc.constantFrom(60_000, 120_000),
    keep: fc.constantFrom(0, 0, 0, 40_000),
    plant: fc.oneof(
      { weight: 4, arbitrary: fc.constant('nothing' as const) },
      { weight: 1, arbitrary: fc.constantFrom(...PLANTS) },
    ),
  }),
  { minLength: 1, maxLength: 25 },
);

interface Keys {
  readonly lock: string;
  readonly token: string;
  readonly queue: string;
  readonly deadlines: string;
  readonly places: string;
}

describe('the simulation’s scripts of fair locks', () => {
  let redis: Redis;
  let notices: Notices;

  beforeAll(async () => {
    redis = redisClient();
    notices = await Notices.open(CHANNELS);
  });
  afterAll(() => {
    redis.disconnect();
    notices.close();
  });

  it('answer, notify and leave behind what the Lua does on a real Redis', async () => {
    let round = 0;
    const property = fc.asyncProperty(steps, async (plan) => {
      round += 1;
      const all = [0, 1].map((index) => keysOf(`${base}:${String(round)}:${String(index)}`));
      const each = all.flatMap((keys) => Object.values(keys) as string[]);
      const twin = new Twin(redis, () => notices.take(redis));
      for (const step of plan) {
        const now = await twin.tick();
        await plant(step, all[step.of[0]!]!, twin, now);
        const { keys, args } = callOf(step, all);
        await twin.call(step.script, SCRIPTS[step.script]!, keys, args);
        await twin.compare(each);
      }
      await redis.del(...each);
    });
    await fc.assert(property, { numRuns: Number(process.env.PROPERTY_RUNS ?? 60), seed: 12 });
  }, 120_000);
});

function keysOf(lock: string): Keys {
  const [token, queue, deadlines, places] = [TOKENS, QUEUES, DEADLINES, PLACES].map((prefix) =>
    sideKeyOf(lock, prefix),
  ) as [string, string, string, string];
  return { lock, token, queue, deadlines, places };
}

function callOf(
  { script, of, owners, waits, ms, keep }: Step,
  all: readonly Keys[],
): { keys: string[]; args: (string | number)[] } {
  const locks = of.map((index) => all[index]!);
  const args = (each: (owner: string, index: number) => (string | number)[]): (string | number)[] =>
    owners.slice(0, locks.length).flatMap(each);
  switch (script) {
    case 'ACQUIRE_FAIR':
      return {
        keys: locks.flatMap(({ lock, token, queue, deadlines, places }) => [lock, token, queue, deadlines, places]),
        args: [TTL_MS, ms, CHANNELS, ...args((owner, index) => [owner, waits[index] === true ? 1 : 0])],
      };
    case 'RELEASE_FAIR':
      return {
        keys: locks.map(({ lock }) => lock),
        args: [keep, CHANNELS, QUEUES, DEADLINES, PLACES, ...args((owner) => [owner])],
      };
    default:
      return { keys: locks.map(({ lock }) => lock), args: [TTL_MS, ms, 0, TOKENS, ...args((owner) => [owner, 1])] };
  }
}

async function plant({ plant, ms }: Step, keys: Keys, twin: Twin, now: number): Promise<void> {
  const { lock, token, queue, deadlines, places } = keys;
  const { redis, model } = twin;
  const remove = async (waiter: string, from: Partial<Keys>): Promise<void> => {
    if (from.queue !== undefined && model.type(queue) === 'list') {
      await redis.lrem(queue, 1, waiter);
      model.lrem(queue, waiter);
    }
    if (from.deadlines !== undefined) {
      await redis.zrem(deadlines, waiter);
      model.zrem(deadlines, waiter);
    }
  };
  const push = async (waiter: string, deadline: number | undefined, atHead = false): Promise<void> => {
    if (!['none', 'list'].includes(model.type(queue)) || model.lrange(queue).includes(waiter)) return;
    const [head] = model.lrange(queue);
    if (atHead && head !== undefined) {
      await redis.linsert(queue, 'BEFORE', head, waiter);
      model.linsert(queue, head, waiter);
    } else {
      await redis.rpush(queue, waiter);
      model.rpush(queue, waiter);
    }
    if (deadline === undefined) return;
    await twin.zadd(deadlines, waiter, deadline);
  };
  const place = async (waiter: string, since: number, until: number): Promise<void> => {
    if (!['none', 'hash'].includes(model.type(places))) return;
    await twin.hset(places, waiter, `${String(since * 1_000)}:${String(until)}`);
  };
  switch (plant) {
    case 'nothing':
      return;
    case 'a waiter of Redisson':
      return push(JAVA, now + 300_000);
    case 'a waiter of Redisson at the head':
      return push(FOREIGN[1]!, now + 300_000, true);
    case 'a waiter of Redisson that is late':
      return push(JAVA, now - 10_000, true);
    case 'a place that has ended':
      await push(SECOND, now - 4_000);
      return place(SECOND, now - 9_000, now - 4_000);
    case 'a place of the future':
      await push(SECOND, now + 20_000);
      return place(SECOND, now + 15_000, now + 20_000);
    case 'a waiter that Redisson dropped':
      return remove(FIRST, { queue, deadlines });
    case 'a waiter without a deadline':
      return remove(FIRST, { deadlines });
    case 'a place without a waiter':
      await remove(SECOND, { queue, deadlines });
      return place(SECOND, now - 1_000, now + 4_000);
    case 'no queue':
      return twin.del(queue);
    case 'no deadlines':
      return twin.del(deadlines);
    case 'no places':
      return twin.del(places);
    case 'a read-write lock':
      await twin.del(lock);
      await twin.hset(lock, 'mode', 'write');
      return twin.pexpire(lock, ms);
    case 'text for a lock':
      return twin.set(lock, 'x', ms);
    case 'text for a queue':
      return twin.set(queue, 'x', ms);
    case 'text for the places':
      return twin.set(places, 'x', ms);
    case 'no token':
      return twin.del(token);
    case 'no lock':
      return twin.del(lock);
  }
}
