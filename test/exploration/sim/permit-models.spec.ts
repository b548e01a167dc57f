import { afterAll, beforeAll, describe, it } from '@jest/globals';
import fc from 'fast-check';
import type { Redis } from 'ioredis';
import { ACQUIRE_PERMITS } from '../../../lib/stores/redis/lua/acquire-permits.lua.js';
import { INSPECT_PERMITS } from '../../../lib/stores/redis/lua/inspect-permits.lua.js';
import { KIND } from '../../../lib/stores/redis/lua/kind.lua.js';
import { RELEASE_PERMITS } from '../../../lib/stores/redis/lua/release-permits.lua.js';
import { RENEW_PERMITS } from '../../../lib/stores/redis/lua/renew-permits.lua.js';
import { redisClient, uniqueName } from '../../support/test-redis.js';
import { pairsOf, sorted, Twin } from './testing/twin.js';

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

/** What Redis and the model say of keys of other kinds differs. */
const ERRORS = [/PERMITS/, /WRONGTYPE|ERR|arithmetic|not an integer/];

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
      const twin = new Twin(redis, null, ERRORS);
      for (const step of plan) {
        await twin.tick();
        await plant(step, keysOf(step.of[0]!), twin);
        const { keys, args } = callOf(step, keysOf);
        await twin.call(step.script, SCRIPTS[step.script]!, keys, args);
        for (const index of [0, 1, 2]) await compareState(keysOf(index), twin);
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
  [key, set, hash]: [counter: string, holds: string, side: string, token: string],
  twin: Twin,
): Promise<void> {
  const { redis, model } = twin;
  switch (plant) {
    case 'nothing':
      return;
    case 'no counter':
      return twin.del(key);
    case 'lower counter':
    case 'higher counter': {
      if (model.type(key) !== 'string' || Number.isNaN(Number(model.get(key)))) return;
      const by = plant === 'lower counter' ? -1 : 1;
      await redis.incrby(key, by);
      model.incrby(key, by);
      return;
    }
    case 'no side':
      return twin.del(hash);
    case 'ended':
      for (const [member] of model.zrange(set)) {
        if (!member.startsWith(prefixOf(owner))) continue;
        await redis.zadd(set, 1_000, Buffer.from(member, 'hex'));
        model.zadd(set, member, 1_000);
      }
      return;
    case 'a lock':
      await twin.del(key);
      return twin.hset(key, 'someone', '1');
    case 'text':
      return twin.set(key, 'x');
  }
}

async function compareState(
  [counter, holds, side, token]: [string, string, string, string],
  twin: Twin,
): Promise<void> {
  const { redis, model } = twin;
  await twin.compare([counter, token]);
  // Members and fields contain bytes that are no text.
  await Promise.all([holds, side].map((key) => twin.compareKey(key, false)));
  const members = await redis.zrangeBuffer(holds, '0', '-1', 'WITHSCORES');
  const real = members.map((each, index) => (index % 2 === 0 ? each.toString('hex') : each.toString()));
  const modelled = model.zrange(holds).map(([member, score]): [string, string] => [member, String(score)]);
  twin.expectAlike(sorted(pairsOf(real)), sorted(modelled));
  const fields = Object.keys(await redis.hgetallBuffer(side)).length;
  twin.expectAlike([fields], [model.type(side) === 'hash' ? model.hgetall(side).length : 0]);
}
