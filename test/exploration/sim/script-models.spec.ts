import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Redis } from 'ioredis';
import { CONFIRM } from '../../../lib/stores/quorum/lua/confirm.lua.js';
import { GRANT } from '../../../lib/stores/quorum/lua/grant.lua.js';
import { MARK } from '../../../lib/stores/quorum/lua/mark.lua.js';
import { ACQUIRE } from '../../../lib/stores/redis/lua/acquire.lua.js';
import { FORCE_RELEASE } from '../../../lib/stores/redis/lua/force-release.lua.js';
import { INSPECT } from '../../../lib/stores/redis/lua/inspect.lua.js';
import { RELEASE } from '../../../lib/stores/redis/lua/release.lua.js';
import { RENEW } from '../../../lib/stores/redis/lua/renew.lua.js';
import { redisClient, uniqueName } from '../../support/test-redis.js';
import { FAIR_MODELS } from './redis/fair-models.js';
import { LATCH_MODELS } from './redis/latch-models.js';
import { Keyspace } from './redis/keyspace.js';
import { sideKeyOf } from './redis/script-model.js';
import { PERMIT_MODELS } from './redis/permit-models.js';
import { READ_WRITE_MODELS } from './redis/read-write-models.js';
import { SCRIPT_MODELS } from './redis/script-models.js';

/** What the names of token keys begin with here. */
const TOKENS = 'script-models:token:';

const scripts: Readonly<Record<string, string>> = {
  ACQUIRE,
  RENEW,
  RELEASE,
  INSPECT,
  FORCE_RELEASE,
  CONFIRM,
  GRANT,
  MARK,
};

interface Step {
  readonly script: string;
  readonly locks: readonly number[];
  readonly owner: number;
  readonly ms: number;
  readonly tokens: number;
  readonly keep: number;
  /** How far a proposed token is from the clock, in µs; `null`: none is proposed. */
  readonly proposal: number | null;
  readonly notify: boolean;
  /** How often the lease was made shorter, and whether this request does so. */
  readonly number: number;
  readonly exact: boolean;
  /** Set before the script runs: a token of the past or of the future, or a key of the wrong type. */
  readonly plant:
    | 'nothing'
    | 'past'
    | 'future'
    | 'no token'
    | 'lock is a string'
    | 'token is a hash'
    | 'marker of the future'
    | 'marker of another process'
    | 'broken marker'
    | 'no marker';
  /** Whether the marker of the node is needed for a vote. */
  readonly guarded: boolean;
}

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    script: fc.constantFrom(...Object.keys(scripts)),
    locks: fc.array(fc.nat({ max: 2 }), { minLength: 1, maxLength: 3 }),
    owner: fc.nat({ max: 2 }),
    ms: fc.constantFrom(30_000, 60_000, 90_000),
    tokens: fc.constantFrom(1, 2, 64),
    keep: fc.constantFrom(0, 0, 20_000),
    // A proposal counts within 100 ms, and the two clocks are not read at the same moment.
    proposal: fc.constantFrom(null, 0, 60_000_000, -60_000_000),
    notify: fc.boolean(),
    number: fc.constantFrom(0, 1, 2, 10),
    exact: fc.boolean(),
    plant: fc.constantFrom<Step['plant'][]>(
      'nothing',
      'nothing',
      'nothing',
      'past',
      'future',
      'no token',
      'lock is a string',
      'token is a hash',
      'marker of the future',
      'marker of another process',
      'broken marker',
      'no marker',
    ),
    guarded: fc.boolean(),
  }),
  { minLength: 1, maxLength: 20 },
);

/** Far above any server's clock in µs. */
const FUTURE = 4_000_000_000_000_000;
const LONG_MS = 500_000;
const RUN_ID = 'run:1';

describe('the simulation’s scripts in JavaScript', () => {
  let redis: Redis;
  let subscriber: Redis;
  const base = uniqueName('models');
  const prefix = `${base}:channel:`;

  beforeAll(async () => {
    redis = redisClient();
    subscriber = redisClient();
    await subscriber.psubscribe(`${prefix}*`);
  });
  afterAll(() => {
    redis.disconnect();
    subscriber.disconnect();
  });

  it('has a model of every script of the library', () => {
    const names = [scripts, PERMIT_MODELS, READ_WRITE_MODELS, FAIR_MODELS, LATCH_MODELS].flatMap(Object.keys);
    expect(Object.keys(SCRIPT_MODELS).sort()).toEqual(names.sort());
  });

  it('answer and leave behind what the Lua does on a real Redis', async () => {
    let round = 0;
    const property = fc.asyncProperty(steps, async (plan) => {
      round += 1;
      const lock = (index: number): string => `${base}:${round}:${index}`;
      const token = (index: number): string => sideKeyOf(lock(index), TOKENS);
      const marker = `${base}:${round}:marker`;
      let nowUs = 0;
      const model = new Keyspace(() => nowUs);
      for (const step of plan) {
        const [seconds, us] = (await redis.time()).map(Number) as [number, number];
        nowUs = seconds * 1_000_000 + us;
        await plantIn(step, lock(step.locks[0]!), token(step.locks[0]!), redis, model);
        await plantMarker(step, marker, nowUs, redis, model);
        const { keys, args } = callOf(step, lock, token, prefix, nowUs, marker);
        const real = await redis.eval(scripts[step.script]!, keys.length, ...keys, ...args).catch(messageOf);
        const simulated = answerOf(() => SCRIPT_MODELS[step.script]!(keys, args, model, () => 1));
        const context = JSON.stringify({ step, real, simulated });
        if (step.script === 'MARK') expectSameMarker(real, simulated, context);
        else expectAlike(real, simulated, context);
        const ids = [Object.keys(await redis.hgetall(marker)), model.hgetall(marker).map(([id]) => id)];
        expect({ context, ids: ids[0] }).toEqual({ context, ids: ids[1] });
        await compareState(
          [0, 1, 2].flatMap((i) => [lock(i), token(i)]),
          redis,
          model,
          context,
        );
      }
      await redis.del(marker, ...[0, 1, 2].flatMap((i) => [lock(i), token(i)]));
    });
    await fc.assert(property, { numRuns: Number(process.env.PROPERTY_RUNS ?? 60), seed: 11 });
  }, 120_000);
});

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

async function plantMarker({ plant }: Step, key: string, nowUs: number, redis: Redis, model: Keyspace): Promise<void> {
  if (!plant.includes('marker')) return;
  await redis.del(key);
  model.del(key);
  if (plant === 'no marker') return;
  const at = Math.floor(nowUs / 1_000) + (plant === 'marker of the future' ? LONG_MS : -LONG_MS);
  const run = plant === 'marker of another process' ? 'other' : RUN_ID;
  const value = plant === 'broken marker' ? 'x' : `${run} ${at} ${at}`;
  await redis.hset(key, 'marker:0', value);
  model.hset(key, 'marker:0', value);
}

async function plantIn({ plant }: Step, lock: string, token: string, redis: Redis, model: Keyspace): Promise<void> {
  const value = plant === 'past' ? 1_000 : FUTURE;
  switch (plant) {
    case 'nothing':
    case 'marker of the future':
    case 'marker of another process':
    case 'broken marker':
    case 'no marker':
      return;
    case 'past':
    case 'future':
      await redis.set(token, String(value), 'PX', LONG_MS);
      model.set(token, String(value), LONG_MS);
      return;
    case 'no token':
      await redis.del(token);
      model.del(token);
      return;
    case 'lock is a string':
      await redis.set(lock, 'x', 'PX', LONG_MS);
      model.set(lock, 'x', LONG_MS);
      return;
    case 'token is a hash':
      await redis.del(token);
      await redis.hset(token, 'x', 1);
      model.del(token);
      model.hset(token, 'x', '1');
  }
}

function callOf(
  { script, locks, owner, ms, tokens, keep, proposal, notify, number, exact, guarded }: Step,
  lock: (index: number) => string,
  token: (index: number) => string,
  prefix: string,
  nowUs: number,
  markerKey: string,
): { keys: string[]; args: (string | number)[] } {
  const name = `owner:${owner}`;
  const both = locks.flatMap((index) => [lock(index), token(index)]);
  const marker = guarded ? [markerKey, 'marker:0'] : ['', ''];
  switch (script) {
    case 'ACQUIRE':
      return { keys: both, args: [LONG_MS, ms, ...reserving(locks, name, tokens, keep > 0)] };
    case 'GRANT': {
      const proposed = nowUs + (proposal ?? 0);
      return { keys: both, args: [LONG_MS, ...marker, ...locks.flatMap(() => [name, ms, tokens, proposed])] };
    }
    case 'CONFIRM': {
      const last = nowUs + (proposal ?? -FUTURE / 4);
      return { keys: both, args: [LONG_MS, ...marker, ...locks.flatMap(() => [name, last, keep])] };
    }
    case 'MARK':
      return { keys: [markerKey], args: [RUN_ID, `marker:${owner}`, Math.floor((nowUs + (proposal ?? 0)) / 1_000)] };
    case 'RENEW':
      return {
        keys: locks.map(lock),
        args: [LONG_MS, ms, exact ? 1 : 0, TOKENS, ...locks.flatMap(() => [name, number])],
      };
    case 'RELEASE':
      return { keys: locks.map(lock), args: [keep, notify ? prefix : '', ...locks.map(() => name)] };
    case 'INSPECT':
      return { keys: both.slice(0, 1), args: [TOKENS] };
    case 'FORCE_RELEASE':
      return { keys: both.slice(0, 1), args: [sideKeyOf(lock(locks[0]!), prefix)] };
    default:
      throw new Error(`say how ${script} is called`);
  }
}

/** The arguments of ACQUIRE that say how many tokens, for all alike or for each by itself. */
function reserving(locks: readonly number[], owner: string, tokens: number, mixed: boolean): (string | number)[] {
  const owners = locks.map(() => owner);
  return mixed ? ['', ...owners, ...locks.map((_, index) => tokens + index)] : [tokens, ...owners];
}

/** The two clocks are read at different moments, so what comes from a clock may differ by the time between. */
const NEAR_MS = 5_000;

function expectAlike(real: unknown, simulated: unknown, context: string): void {
  // "PTTL owner" is two values.
  const split = (value: unknown): unknown => (typeof value === 'string' && !isError(value) ? value.split(' ') : value);
  const flat = (value: unknown): unknown[] => [value].flat().map(split).flat();
  const [left, right] = [flat(real), flat(simulated)];
  expect({ context, length: left.length }).toEqual({ context, length: right.length });
  left.forEach((value, index) => {
    const other = right[index];
    if (isError(value) && isError(other)) return;
    const same = sameNumber(Number(value), Number(other)) || String(value) === String(other);
    expect({ context, index, same }).toEqual({ context, index, same: true });
  });
}

function expectSameMarker(real: unknown, simulated: unknown, context: string): void {
  const [[id, ...ages], [otherId, ...otherAges]] = [real, simulated] as [
    [string, number, number],
    [string, number, number],
  ];
  expect({ context, id }).toEqual({ context, id: otherId });
  ages.forEach((age, index) => expect(Math.abs(age - otherAges[index]!)).toBeLessThan(NEAR_MS));
}

/** Both say it is of the wrong type; Redis also says in which line of which script. */
function isError(value: unknown): boolean {
  return typeof value === 'string' && /WRONGTYPE|NOMARKER/.test(value);
}

/** The same number; or a time left in ms, or a token made from the clock, in µs. */
function sameNumber(a: number, b: number): boolean {
  if (a === b) return true;
  if (a > FUTURE || b > FUTURE || a < 10_000 || b < 10_000) return false;
  return Math.abs(a - b) <= (a > 1_000_000_000 ? NEAR_MS * 1_000 : NEAR_MS);
}

async function compareState(keys: readonly string[], redis: Redis, model: Keyspace, context: string): Promise<void> {
  for (const key of keys) {
    const type = await redis.type(key);
    const modelType = model.keys('hash').includes(key)
      ? 'hash'
      : model.keys('string').includes(key)
        ? 'string'
        : 'none';
    expect({ context, key, type }).toEqual({ context, key, type: modelType });
    if (type === 'hash') {
      const fields = Object.entries(await redis.hgetall(key));
      expect({ context, fields }).toEqual({ context, fields: model.hgetall(key) });
    } else if (type === 'string') {
      expectAlike([await redis.get(key)], [model.get(key)], context);
    }
    expectAlike([await redis.pttl(key)], [model.pttl(key)], context);
  }
}
