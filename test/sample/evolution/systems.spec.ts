import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import type { EvolutionLock } from '../../../sample-app/lab/evolution/systems/evolution-lock.js';
import { StillTakenError } from '../../../sample-app/lab/evolution/systems/evolution-lock.js';
import { openSystem, type OtherSystem } from '../../../sample-app/lab/evolution/systems/open-system.js';
import { redisClient, uniqueName } from '../../support/test-redis.js';

const spinning = [
  'lock-2013',
  'lock-2013-set',
  'stage-1',
  'stage-2',
  'stage-3',
  'stage-4',
  'stage-5',
  'stage-5-printed',
] as const satisfies readonly OtherSystem[];
const locking = [...spinning, 'redisson'] as const satisfies readonly OtherSystem[];
const quick = { leaseMs: 60_000, pauseMs: 5, patienceMs: 60_000 };

let redis: Redis;
let name: string;
let opened: EvolutionLock[];
const open = (system: OtherSystem, timings = {}): EvolutionLock => {
  const lock = openSystem(system, [redis], { ...quick, ...timings });
  opened.push(lock);
  return lock;
};

beforeEach(() => {
  redis = redisClient();
  name = uniqueName();
  opened = [];
});
afterEach(async () => {
  for (const lock of opened) await lock.close?.();
  for (const system of locking) await redis.del(`${system}:${name}`);
  redis.disconnect();
});

/** Takes the lock and keeps it until the returned function is called. */
const hold = async (lock: EvolutionLock): Promise<() => Promise<void>> => {
  let release: () => void = () => {};
  const released = new Promise<void>((resolve) => (release = resolve));
  let over: Promise<void> = Promise.resolve();
  await new Promise<void>((resolve) => {
    over = lock.withLock(name, () => {
      resolve();
      return released;
    });
  });
  return () => {
    release();
    return over;
  };
};

describe.each(locking)('%s', (system) => {
  it('lets one caller in at a time, and passes results on', async () => {
    const locks = [open(system), open(system)];
    let inside = 0;
    let most = 0;
    const results = await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        locks[index % 2]!.withLock(name, async () => {
          most = Math.max(most, (inside += 1));
          await redis.ping();
          inside -= 1;
          return index;
        }),
      ),
    );
    expect(results).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(most).toBe(1);
    expect(await redis.exists(`${system}:${name}`)).toBe(0);
  });

  it('fails if the lock stays taken for longer than the wait', async () => {
    const release = await hold(open(system));
    await expect(open(system, { patienceMs: 30 }).withLock(name, async () => 'in')).rejects.toThrow(StillTakenError);
    await release();
  });

  it('does not touch the lock of another name', async () => {
    const release = await hold(open(system));
    const other = `${name}-other`;
    expect(await open(system).withLock(other, async () => 'in')).toBe('in');
    await release();
  });
});

describe.each(spinning)('%s', (system) => {
  it('keeps the lock when the work fails, as the article does without "finally"', async () => {
    await expect(open(system).withLock(name, () => Promise.reject(new Error('no catalog')))).rejects.toThrow(
      'no catalog',
    );
    expect(await redis.exists(`${system}:${name}`)).toBe(1);
  });
});

describe('the data in Redis while a system holds a lock', () => {
  const stored = async (system: OtherSystem) => {
    const release = await hold(open(system));
    const key = `${system}:${name}`;
    const [type, ttl] = [await redis.type(key), await redis.pttl(key)];
    const value = type === 'hash' ? await redis.hgetall(key) : await redis.get(key);
    await release();
    return { expires: ttl > 0, value };
  };
  const uuid = expect.stringMatching(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);

  it.each([
    ['lock-2013', { expires: false, value: expect.stringMatching(/^\d{13}$/) }],
    ['stage-1', { expires: false, value: '111' }],
    ['stage-2', { expires: true, value: '111' }],
    ['stage-3', { expires: true, value: '1111' }],
    ['stage-4', { expires: true, value: uuid }],
    ['stage-5', { expires: true, value: uuid }],
  ] as const)('%s: %j', async (system, expected) => {
    expect(await stored(system)).toEqual(expected);
  });

  it("redisson: a hash with the owner's hold count, in Redisson's layout", async () => {
    const { expires, value } = await stored('redisson');
    expect(expires).toBe(true);
    expect(Object.values(value as Record<string, string>)).toEqual(['1']);
    expect(Object.keys(value as Record<string, string>)[0]).toMatch(/^[\da-f-]{36}:\d+$/);
  });
});

describe('the lock of 2013', () => {
  const key = () => `lock-2013:${name}`;

  it('takes over a lock whose time has passed', async () => {
    await redis.set(key(), String(Date.now() - 1));
    expect(await open('lock-2013').withLock(name, async () => 'in')).toBe('in');
    expect(await redis.exists(key())).toBe(0);
  });

  it('does not delete the lock of the next holder after its own lease has ended, as described in its article', async () => {
    const release = await hold(open('lock-2013', { leaseMs: 20 }));
    const next = await hold(open('lock-2013'));
    const theirs = await redis.get(key());
    await release();
    expect(await redis.get(key())).toBe(theirs);
    await next();
  });

  it('writes to all of its nodes, and deletes on all', async () => {
    const other = redisClient(undefined, { db: 1 });
    const lock = openSystem('lock-2013', [redis, other], quick);
    const release = await hold(lock);
    expect(await other.get(key())).toBe(await redis.get(key()));
    await release();
    expect(await other.exists(key())).toBe(0);
    other.disconnect();
  });

  it('tries the next node when the first cannot be reached', async () => {
    const gone = redisClient('redis://127.0.0.1:1', { maxRetriesPerRequest: 0, retryStrategy: () => null });
    const release = await hold(openSystem('lock-2013', [gone, redis], quick));
    expect(await redis.exists(key())).toBe(1);
    await release();
    expect(await redis.exists(key())).toBe(0);
    gone.disconnect();
  });

  it('fails when no node can be reached', async () => {
    const gone = redisClient('redis://127.0.0.1:1', { maxRetriesPerRequest: 0, retryStrategy: () => null });
    const lock = openSystem('lock-2013', [gone], quick);
    await expect(lock.withLock(name, async () => 'in')).rejects.toThrow();
    gone.disconnect();
  });

  it('passes on the error of a node, and does not try the next one', async () => {
    await redis.hset(key(), 'not', 'a string');
    const other = redisClient(undefined, { db: 1 });
    const lock = openSystem('lock-2013', [redis, other], quick);
    await expect(lock.withLock(name, async () => 'in')).rejects.toThrow('WRONGTYPE');
    expect(await other.exists(key())).toBe(0);
    other.disconnect();
  });
});

describe("Redisson's algorithm", () => {
  it('notifies waiters by a message, long before the lease that they saw has ended', async () => {
    const release = await hold(open('redisson'));
    const waiting = open('redisson').withLock(name, async () => 'in');
    const channel = `redisson_lock__channel:{redisson:${name}}`;
    while ((await redis.pubsub('NUMSUB', channel))[1] === 0) await redis.ping();
    await release();
    expect(await waiting).toBe('in');
  });

  it('fails to release a lock that it no longer holds', async () => {
    const release = await hold(open('redisson'));
    await redis.del(`redisson:${name}`);
    await expect(release()).rejects.toThrow('is not held by this caller any more');
  });

  it('stops renewing a lost lock, and does not create it again', async () => {
    const release = await hold(open('redisson', { leaseMs: 60 }));
    await redis.del(`redisson:${name}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await redis.exists(`redisson:${name}`)).toBe(0);
    await expect(release()).rejects.toThrow();
  });

  it('leaves no subscription behind', async () => {
    const release = await hold(open('redisson'));
    const impatient = open('redisson', { patienceMs: 20 }).withLock(name, async () => 'in');
    await expect(impatient).rejects.toThrow(StillTakenError);
    const channel = `redisson_lock__channel:{redisson:${name}}`;
    expect((await redis.pubsub('NUMSUB', channel))[1]).toBe(0);
    await release();
  });

  it('uses the prefix of its client for keys and channels', async () => {
    const prefixed = redisClient(undefined, { keyPrefix: 'shop:' });
    const lock = openSystem('redisson', [prefixed], quick);
    opened.push(lock);
    const release = await hold(lock);
    expect(await redis.exists(`shop:redisson:${name}`)).toBe(1);
    const waiting = lock.withLock(name, async () => 'in');
    const channel = `redisson_lock__channel:{shop:redisson:${name}}`;
    while ((await redis.pubsub('NUMSUB', channel))[1] === 0) await redis.ping();
    await release();
    expect(await waiting).toBe('in');
    prefixed.disconnect();
  });
});
