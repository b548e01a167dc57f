import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Redis } from 'ioredis';
import { ACQUIRE_FAIR } from '../../../lib/stores/redis/lua/acquire-fair.lua.js';
import { RELEASE_FAIR } from '../../../lib/stores/redis/lua/release-fair.lua.js';
import { RENEW } from '../../../lib/stores/redis/lua/renew.lua.js';
import { redisClient, uniqueName } from '../../support/test-redis.js';
import { Keyspace } from './redis/keyspace.js';
import { sideKeyOf } from './redis/script-model.js';
import { SCRIPT_MODELS } from './redis/script-models.js';

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
  let listener: Redis;
  let told: string[] = [];

  beforeAll(async () => {
    [redis, listener] = [redisClient(), redisClient()];
    listener.on('pmessage', (_pattern, channel: string) => told.push(channel));
    await listener.psubscribe(`${CHANNELS}*`);
  });
  afterAll(() => {
    redis.disconnect();
    listener.disconnect();
  });

  it('answer, notify and leave behind what the Lua does on a real Redis', async () => {
    let round = 0;
    const property = fc.asyncProperty(steps, async (plan) => {
      round += 1;
      const all = [0, 1].map((index) => keysOf(`${base}:${String(round)}:${String(index)}`));
      let nowUs = 0;
      const model = new Keyspace(() => nowUs);
      for (const step of plan) {
        const [seconds, us] = (await redis.time()).map(Number) as [number, number];
        nowUs = seconds * 1_000_000 + us;
        await plant(step, all[step.of[0]!]!, redis, model);
        const { keys, args } = callOf(step, all);
        const toldByModel: string[] = [];
        const real = await redis.eval(SCRIPTS[step.script]!, keys.length, ...keys, ...args).catch(messageOf);
        const simulated = answerOf(() =>
          SCRIPT_MODELS[step.script]!(keys, args, model, (channel) => toldByModel.push(channel) && 1),
        );
        const context = JSON.stringify({ step, real, simulated });
        expectAlike([real].flat(), [simulated].flat(), context);
        expect({ context, told: await takeTold(redis) }).toEqual({ context, told: toldByModel });
        await Promise.all(all.map((each) => compareState(each, redis, model, context)));
      }
      await redis.del(...all.flatMap((each) => Object.values(each) as string[]));
    });
    await fc.assert(property, { numRuns: Number(process.env.PROPERTY_RUNS ?? 60), seed: 12 });
  }, 120_000);

  /** The channels that were notified since the last call. */
  async function takeTold(client: Redis): Promise<string[]> {
    const end = `${CHANNELS}end`;
    const ended = new Promise<void>((resolve) => {
      const onMessage = (_pattern: string, channel: string): void => {
        if (channel !== end) return;
        listener.off('pmessage', onMessage);
        resolve();
      };
      listener.on('pmessage', onMessage);
    });
    await client.publish(end, '');
    await ended;
    const channels = told.filter((channel) => channel !== end);
    told = [];
    return channels;
  }
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

async function plant({ plant, ms }: Step, keys: Keys, redis: Redis, model: Keyspace): Promise<void> {
  const { lock, token, queue, deadlines, places } = keys;
  const now = Math.floor(model.time() / 1_000);
  const del = async (key: string): Promise<void> => {
    await redis.del(key);
    model.del(key);
  };
  const set = async (key: string, value: string): Promise<void> => {
    await redis.set(key, value, 'PX', ms);
    model.set(key, value, ms);
  };
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
    await redis.zadd(deadlines, deadline, waiter);
    model.zadd(deadlines, waiter, deadline);
  };
  const place = async (waiter: string, since: number, until: number): Promise<void> => {
    if (!['none', 'hash'].includes(model.type(places))) return;
    const value = `${String(since * 1_000)}:${String(until)}`;
    await redis.hset(places, waiter, value);
    model.hset(places, waiter, value);
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
      return del(queue);
    case 'no deadlines':
      return del(deadlines);
    case 'no places':
      return del(places);
    case 'a read-write lock':
      await del(lock);
      await redis.hset(lock, 'mode', 'write');
      await redis.pexpire(lock, ms);
      model.hset(lock, 'mode', 'write');
      model.pexpire(lock, ms);
      return;
    case 'text for a lock':
      return set(lock, 'x');
    case 'text for a queue':
      return set(queue, 'x');
    case 'text for the places':
      return set(places, 'x');
    case 'no token':
      return del(token);
    case 'no lock':
      return del(lock);
  }
}

async function compareState(keys: Keys, redis: Redis, model: Keyspace, context: string): Promise<void> {
  const compare = async (key: string): Promise<void> => {
    const type = model.type(key);
    const [real, left, contents] = await Promise.all([
      redis.type(key),
      redis.pttl(key),
      contentOf(key, type, redis, model),
    ]);
    expect({ context, key, type: real }).toEqual({ context, key, type });
    expectAlike([left], [model.pttl(key)], context);
    expectAlike(...contents, `${context} ${key}`);
  };
  await Promise.all((Object.values(keys) as string[]).map(compare));
}

async function contentOf(key: string, type: string, redis: Redis, model: Keyspace): Promise<[string[], string[]]> {
  switch (type) {
    case 'string':
      return [[(await redis.get(key)) ?? ''], [model.get(key)!]];
    case 'list':
      return [await redis.lrange(key, 0, -1), [...model.lrange(key)]];
    case 'hash':
      return [sorted(Object.entries(await redis.hgetall(key))), sorted(model.hgetall(key))];
    case 'zset': {
      const members = await redis.zrange(key, '0', '-1', 'WITHSCORES');
      const pairs = members.flatMap((member, index) =>
        index % 2 === 0 ? [[member, members[index + 1]!] as [string, string]] : [],
      );
      return [sorted(pairs), sorted(model.zrange(key).map(([member, score]) => [member, String(score)]))];
    }
    default:
      return [[], []];
  }
}

function sorted(pairs: [string, string][]): string[] {
  return pairs.sort(([a], [b]) => (a < b ? -1 : 1)).flat();
}

function messageOf(error: unknown): string {
  return (error as Error).message;
}

function answerOf(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    return messageOf(error);
  }
}

/** What comes from a clock may differ by the time between the two readings. */
function expectAlike(real: readonly unknown[], simulated: readonly unknown[], context: string): void {
  expect({ context, length: real.length }).toEqual({ context, length: simulated.length });
  real.forEach((value, index) => {
    const other = simulated[index];
    const same = sameText(String(value), String(other));
    expect({ context, index, value, other, same }).toEqual({ context, index, value, other, same: true });
  });
}

function sameText(a: string, b: string): boolean {
  if (a === b || (a.includes('WRONGTYPE') && b.includes('WRONGTYPE'))) return true;
  const [left, right] = [a.split(':'), b.split(':')];
  return left.length === right.length && left.every((part, index) => sameNumber(Number(part), Number(right[index])));
}

/** The same number; or a time left or a clock's in ms, or a clock's in µs. */
function sameNumber(a: number, b: number): boolean {
  if (a === b) return true;
  return a > 1_000 && b > 1_000 && Math.abs(a - b) <= (a > 1e15 ? 3_000_000 : 3_000);
}
