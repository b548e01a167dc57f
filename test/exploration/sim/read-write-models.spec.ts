import { afterAll, beforeAll, describe, it } from '@jest/globals';
import fc from 'fast-check';
import type { Redis } from 'ioredis';
import { ACQUIRE_READ_WRITE } from '../../../lib/stores/redis/lua/acquire-read-write.lua.js';
import { FORCE_RELEASE } from '../../../lib/stores/redis/lua/force-release.lua.js';
import { INSPECT } from '../../../lib/stores/redis/lua/inspect.lua.js';
import { KIND } from '../../../lib/stores/redis/lua/kind.lua.js';
import { RELEASE_READ_WRITE } from '../../../lib/stores/redis/lua/release-read-write.lua.js';
import { RENEW_READ_WRITE } from '../../../lib/stores/redis/lua/renew-read-write.lua.js';
import { redisClient, uniqueName } from '../../support/test-redis.js';
import { sideKeyOf } from './redis/script-model.js';
import { Twin } from './testing/twin.js';

const SCRIPTS: Readonly<Record<string, string>> = {
  ACQUIRE_READ_WRITE,
  RENEW_READ_WRITE,
  RELEASE_READ_WRITE,
  INSPECT,
  FORCE_RELEASE,
  KIND,
};
const TTL_MS = 500_000;
const CHANNELS = 'read-write-models:channel:';
const TOKENS = 'read-write-models:token:';
const ORDERS = 'read-write-models:order:';

const OWNERS = ['one:1', 'one:2', 'two:1', 'one:1:write', 'one:2:write', 'two:1:write'];
const [READER] = OWNERS as [string];
/** A thread of a Java service that reads twice, and one that writes and reads. */
const FOREIGN = 'java:7';

const PLANTS = [
  'no timeout',
  'timeout of a moment',
  'a foreign reader',
  'a foreign writer who reads',
  'no foreign timeout',
  'no token',
  'a token of the future',
  'a place of a reader',
  'a place of a writer',
  'a place that has ended',
  'a place of the future',
  'an exclusive lock',
  'text',
  'no lock',
] as const;

interface Step {
  readonly script: string;
  /** Which locks, of three. */
  readonly of: readonly number[];
  readonly owner: string;
  readonly ms: number;
  readonly tokens: number;
  readonly waits: boolean;
  readonly number: number;
  readonly exact: boolean;
  readonly keep: number;
  /** Set before the script runs. */
  readonly plant: 'nothing' | (typeof PLANTS)[number];
}

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    script: fc.constantFrom(
      'ACQUIRE_READ_WRITE',
      'ACQUIRE_READ_WRITE',
      'ACQUIRE_READ_WRITE',
      'RELEASE_READ_WRITE',
      ...Object.keys(SCRIPTS),
    ),
    of: fc.oneof(fc.constant([0]), fc.uniqueArray(fc.nat({ max: 2 }), { minLength: 1, maxLength: 3 })),
    owner: fc.constantFrom(...OWNERS),
    ms: fc.constantFrom(60_000, 120_000),
    tokens: fc.constantFrom(1, 64),
    waits: fc.boolean(),
    number: fc.constantFrom(0, 1, 2, 10),
    exact: fc.boolean(),
    keep: fc.constantFrom(0, 0, 0, 40_000),
    plant: fc.oneof(
      { weight: 3, arbitrary: fc.constant('nothing' as const) },
      { weight: 1, arbitrary: fc.constantFrom(...PLANTS) },
    ),
  }),
  { minLength: 1, maxLength: 25 },
);

interface Keys {
  readonly lock: string;
  readonly token: string;
  readonly order: string;
  timeout(owner: string, n?: number): string;
}

describe('the simulation’s scripts of read-write locks', () => {
  let redis: Redis;
  const base = uniqueName('read-write-models');

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
      const keysOf = (index: number): Keys => {
        const lock = `${base}:${String(round)}:${String(index)}`;
        return {
          lock,
          token: sideKeyOf(lock, TOKENS),
          order: sideKeyOf(lock, ORDERS),
          timeout: (owner, n = 1) => `${sideKeyOf(lock, '')}:${owner}:rwlock_timeout:${String(n)}`,
        };
      };
      const all = [0, 1, 2].flatMap((index) => allOf(keysOf(index)));
      const twin = new Twin(redis);
      for (const step of plan) {
        await plant(step, keysOf(step.of[0]!), twin, await twin.tick());
        const { keys, args } = callOf(step, keysOf);
        await twin.call(step.script, SCRIPTS[step.script]!, keys, args);
        await twin.compare(all);
      }
      await redis.del(...all);
    });
    await fc.assert(property, { numRuns: Number(process.env.PROPERTY_RUNS ?? 60), seed: 11 });
  }, 120_000);
});

function callOf(
  { script, of, owner, ms, tokens, waits, number, exact, keep }: Step,
  keysOf: (index: number) => Keys,
): { keys: string[]; args: (string | number)[] } {
  const all = of.map(keysOf);
  const [first] = all as [Keys];
  const ofHolder = ({ lock, timeout }: Keys): string => (owner.endsWith(':write') ? lock : timeout(owner));
  switch (script) {
    case 'ACQUIRE_READ_WRITE':
      return {
        keys: all.flatMap(({ lock, token, order, timeout }) => [lock, token, order, timeout(owner)]),
        args: [TTL_MS, ms, ...all.flatMap(() => [owner, tokens, waits ? 1 : 0])],
      };
    case 'RENEW_READ_WRITE':
      return {
        keys: all.flatMap((each) => [each.lock, ofHolder(each)]),
        args: [TTL_MS, ms, exact ? 1 : 0, TOKENS, ORDERS, ...all.flatMap(() => [owner, number])],
      };
    case 'RELEASE_READ_WRITE':
      return {
        keys: all.flatMap((each) => [each.lock, ofHolder(each)]),
        args: [keep, CHANNELS, ORDERS, ...all.map(() => owner)],
      };
    case 'INSPECT':
      return { keys: [first.lock], args: [TOKENS] };
    case 'FORCE_RELEASE':
      return { keys: [first.lock], args: ['exclusive:', CHANNELS] };
    default:
      return { keys: [first.lock], args: [`{${first.lock}}:timeout`, `permits:{${first.lock}}`] };
  }
}

async function plant({ plant, ms }: Step, keys: Keys, twin: Twin, now: number): Promise<void> {
  const { lock, token, order, timeout } = keys;
  const { model } = twin;
  const hset = (field: string, value: string): Promise<void> => twin.hset(lock, field, value);
  const expire = (): Promise<void> => twin.pexpire(lock, ms);
  const place = (owner: string, since: number, until: number): Promise<void> =>
    twin.set(order, `${owner}:${String(since * 1_000)}:${String(until)};`, 5_000);
  const mode = model.type(lock) === 'hash' ? model.hgetall(lock).find(([field]) => field === 'mode')?.[1] : undefined;
  const isFree = model.type(lock) === 'none';
  switch (plant) {
    case 'nothing':
      return;
    case 'no timeout':
      return twin.del(timeout(READER));
    case 'timeout of a moment':
      // Redis keeps a key to the end of the ms of its expiry.
      return model.type(timeout(READER)) === 'none' ? undefined : twin.set(timeout(READER), '1', 30_000);
    case 'a foreign reader':
      if (!isFree && mode !== 'read') return;
      await hset('mode', 'read');
      await hset(FOREIGN, '2');
      await twin.set(timeout(FOREIGN, 1), '1', ms);
      await twin.set(timeout(FOREIGN, 2), '1', 90_000);
      return expire();
    case 'a foreign writer who reads':
      if (!isFree) return;
      await hset('mode', 'write');
      await hset(`${FOREIGN}:write`, '1');
      await hset(FOREIGN, '1');
      await twin.set(timeout(FOREIGN, 1), '1', ms);
      return expire();
    case 'no foreign timeout':
      return twin.del(timeout(FOREIGN, 2));
    case 'no token':
      return twin.del(token);
    case 'a token of the future':
      return twin.set(token, String(model.time() + 3_600_000_000), TTL_MS);
    case 'a place of a reader':
      return place('two:9', now - 1_000, now + 4_500);
    case 'a place of a writer':
      return place('two:9:write', now - 1_000, now + 4_500);
    case 'a place that has ended':
      return place('two:9:write', now - 9_000, now - 1_000);
    case 'a place of the future':
      return place('two:9:write', now - 1_000, now + 20_000);
    case 'an exclusive lock':
      await twin.del(lock);
      await hset('someone', '1');
      return expire();
    case 'text':
      return twin.set(lock, 'x', ms);
    case 'no lock':
      return twin.del(lock);
  }
}

function allOf({ lock, token, order, timeout }: Keys): string[] {
  return [lock, token, order, timeout(FOREIGN, 2), ...[FOREIGN, ...OWNERS].map((owner) => timeout(owner))];
}
