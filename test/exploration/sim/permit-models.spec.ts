import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Redis } from 'ioredis';
import { ACQUIRE_PERMITS } from '../../../lib/stores/redis/lua/acquire-permits.lua.js';
import { INSPECT_PERMITS } from '../../../lib/stores/redis/lua/inspect-permits.lua.js';
import { KIND } from '../../../lib/stores/redis/lua/kind.lua.js';
import { RELEASE_PERMITS } from '../../../lib/stores/redis/lua/release-permits.lua.js';
import { RENEW_PERMITS } from '../../../lib/stores/redis/lua/renew-permits.lua.js';
import { redisClient, uniqueName } from '../../support/test-redis.js';
import { Keyspace } from './redis/keyspace.js';
import { PERMIT_MODELS } from './redis/permit-models.js';

const SCRIPTS: Readonly<Record<string, string>> = {
  ACQUIRE_PERMITS,
  RENEW_PERMITS,
  RELEASE_PERMITS,
  INSPECT_PERMITS,
  KIND,
};
const TTL_MS = 500_000;
const CHANNELS = 'permit-models:channel:';
const LATCHES = 'permit-models:latch:';

interface Step {
  readonly script: string;
  /** Which semaphores, of three. */
  readonly of: readonly number[];
  readonly owner: number;
  readonly take: number;
  readonly permits: number;
  readonly ms: number;
  readonly tokens: number;
  readonly waits: boolean;
  readonly number: number;
  readonly exact: boolean;
  readonly keep: number;
  /** Set before the script runs. */
  readonly plant:
    'nothing' | 'no counter' | 'lower counter' | 'higher counter' | 'no side' | 'ended' | 'a lock' | 'text';
}

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    script: fc.constantFrom('ACQUIRE_PERMITS', 'ACQUIRE_PERMITS', 'RELEASE_PERMITS', ...Object.keys(SCRIPTS)),
    of: fc.uniqueArray(fc.nat({ max: 2 }), { minLength: 1, maxLength: 3 }),
    owner: fc.nat({ max: 4 }),
    take: fc.constantFrom(1, 1, 1, 2, 3),
    permits: fc.constantFrom(3, 3, 3, 3, 2, 5),
    ms: fc.constantFrom(60_000, 120_000),
    tokens: fc.constantFrom(1, 64),
    waits: fc.boolean(),
    number: fc.constantFrom(0, 1, 2, 10),
    exact: fc.boolean(),
    keep: fc.constantFrom(0, 0, 0, 40_000),
    plant: fc.constantFrom<Step['plant'][]>(
      ...(['nothing', 'nothing', 'nothing', 'nothing', 'nothing', 'nothing', 'nothing', 'nothing'] as const),
      'no counter',
      'lower counter',
      'higher counter',
      'no side',
      'ended',
      'a lock',
      'text',
    ),
  }),
  { minLength: 1, maxLength: 25 },
);

describe('the simulation’s scripts of semaphores', () => {
  let redis: Redis;
  const base = uniqueName('permit-models');

  beforeAll(() => {
    redis = redisClient();
  });
  afterAll(() => {
    redis.disconnect();
  });

  it('answer and leave behind what the Lua does on a real Redis', async () => {
    let round = 0;
    const property = fc.asyncProperty(steps, async (plan) => {
      round += 1;
      const keysOf = (index: number): [string, string, string, string] => {
        const key = `${base}:${String(round)}:${String(index)}`;
        return [key, `{${key}}:timeout`, `lock_permits:{${key}}`, `token:{${key}}`];
      };
      let nowUs = 0;
      const model = new Keyspace(() => nowUs);
      for (const step of plan) {
        const [seconds, us] = (await redis.time()).map(Number) as [number, number];
        nowUs = seconds * 1_000_000 + us;
        await plant(step, keysOf(step.of[0]!), redis, model);
        const { keys, args } = callOf(step, keysOf);
        const real = await redis.eval(SCRIPTS[step.script]!, keys.length, ...keys, ...args).catch(messageOf);
        const simulated = answerOf(() => PERMIT_MODELS[step.script]!(keys, args, model, () => 0));
        const context = JSON.stringify({ step, real, simulated });
        expectAlike([real].flat(), [simulated].flat(), context);
        for (const index of [0, 1, 2]) await compareState(keysOf(index), redis, model, context);
      }
      await redis.del(...[0, 1, 2].flatMap(keysOf));
    });
    await fc.assert(property, { numRuns: Number(process.env.PROPERTY_RUNS ?? 60), seed: 11 });
  }, 120_000);
});

/** The first 14 bytes of an owner's members, in hex. The owner contains bytes that are no text. */
function prefixOf(owner: number): string {
  return `ff00fe${String(owner).padStart(22, '0')}`;
}

function callOf(
  { script, of, owner, take, permits, ms, tokens, waits, number, exact, keep }: Step,
  keysOf: (index: number) => [string, string, string, string],
): { keys: string[]; args: (string | number)[] } {
  const prefix = prefixOf(owner);
  const three = of.flatMap((index) => keysOf(index).slice(0, 3));
  switch (script) {
    case 'ACQUIRE_PERMITS': {
      const each = [prefix, take, permits, tokens, waits ? 1 : 0];
      return { keys: of.flatMap(keysOf), args: [TTL_MS, ms, CHANNELS, LATCHES, ...of.flatMap(() => each)] };
    }
    case 'RENEW_PERMITS':
      return { keys: three, args: [TTL_MS, ms, exact ? 1 : 0, ...of.flatMap(() => [prefix, take, number])] };
    case 'RELEASE_PERMITS':
      return { keys: three, args: [keep, CHANNELS, TTL_MS, ...of.flatMap(() => [prefix, take])] };
    case 'KIND':
      return { keys: three.slice(0, 1), args: [...three.slice(1, 3), `${LATCHES}none`] };
    default:
      return { keys: three.slice(0, 3), args: [] };
  }
}

async function plant(
  { plant, owner }: Step,
  [counter, holds, side]: readonly string[],
  redis: Redis,
  model: Keyspace,
): Promise<void> {
  const [key, set, hash] = [counter!, holds!, side!];
  switch (plant) {
    case 'nothing':
      return;
    case 'no counter':
      await redis.del(key);
      model.del(key);
      return;
    case 'lower counter':
    case 'higher counter':
      if (model.type(key) !== 'string' || Number.isNaN(Number(model.get(key)))) return;
      await redis.incrby(key, plant === 'lower counter' ? -1 : 1);
      model.incrby(key, plant === 'lower counter' ? -1 : 1);
      return;
    case 'no side':
      await redis.del(hash);
      model.del(hash);
      return;
    case 'ended':
      for (const [member] of model.zrange(set)) {
        if (!member.startsWith(prefixOf(owner))) continue;
        await redis.zadd(set, 1_000, Buffer.from(member, 'hex'));
        model.zadd(set, member, 1_000);
      }
      return;
    case 'a lock':
      await redis.del(key);
      await redis.hset(key, 'someone', '1');
      model.del(key);
      model.hset(key, 'someone', '1');
      return;
    case 'text':
      await redis.set(key, 'x');
      model.set(key, 'x');
  }
}

async function compareState(
  [counter, holds, side, token]: readonly string[],
  redis: Redis,
  model: Keyspace,
  context: string,
): Promise<void> {
  const [key, set, hash, tokens] = [counter!, holds!, side!, token!];
  for (const each of [key, set, hash, tokens]) {
    const [type, pttl] = await Promise.all([redis.type(each), redis.pttl(each)]);
    expect({ context, each, type }).toEqual({ context, each, type: model.type(each) });
    expectAlike([pttl], [model.pttl(each)], context);
  }
  if (model.type(key) === 'string') expectAlike([await redis.get(key)], [model.get(key)], context);
  if (model.type(tokens) === 'string') expectAlike([await redis.get(tokens)], [model.get(tokens)], context);
  const members = await redis.zrangeBuffer(set, '0', '-1', 'WITHSCORES');
  const real = members.map((each, index) => (index % 2 === 0 ? each.toString('hex') : each.toString()));
  const byName = (list: string[][]): string[] => list.sort(([a], [b]) => a!.localeCompare(b!)).flat();
  const pairs = Array.from({ length: real.length / 2 }, (_, index) => [real[2 * index]!, real[2 * index + 1]!]);
  const modelled = model.zrange(set).map(([member, score]) => [member, String(score)]);
  expectAlike(byName(pairs), byName(modelled), context);
  const fields = Object.entries(await redis.hgetallBuffer(hash)).length;
  expect({ context, fields }).toEqual({
    context,
    fields: model.type(hash) === 'hash' ? model.hgetall(hash).length : 0,
  });
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
  if (a === b) return true;
  const isError = (text: string): boolean => /WRONGTYPE|PERMITS|ERR|arithmetic|not an integer/.test(text);
  if (isError(a) && isError(b)) return a.includes('PERMITS') === b.includes('PERMITS');
  const [left, right] = [a.split(':'), b.split(':')];
  return left.length === right.length && left.every((part, index) => sameNumber(Number(part), Number(right[index])));
}

/** The same number; or a time left or a score in ms, or a token in µs. */
function sameNumber(a: number, b: number): boolean {
  if (a === b) return true;
  return a > 1_000 && b > 1_000 && Math.abs(a - b) <= (a > 1e15 ? 5_000_000 : 5_000);
}
