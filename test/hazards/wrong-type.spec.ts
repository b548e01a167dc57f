import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { connectLockService, LockUnavailableError, type LockService } from 'nestjs-redis-lock';
import { lockKey, tokenKey } from '../support/lock-keys.js';
import { redisClient, testRedisUrl, uniqueName } from '../support/test-redis.js';
import { untilIdle } from '../support/until-idle.js';

describe('a key with other data', () => {
  let locks: LockService;
  let admin: Redis;
  let name: string;

  beforeEach(async () => {
    locks = await connectLockService({ url: testRedisUrl() });
    admin = redisClient();
    name = uniqueName('type');
  });
  afterEach(async () => {
    await locks.close();
    await admin.del(lockKey(name), tokenKey(name));
    admin.disconnect();
  });

  it('fails the call at once, regardless of its `wait`, with advice', async () => {
    await admin.set(lockKey(name), 'a cached value', 'EX', 60);
    const error = await locks.acquire(name, { wait: Infinity }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(LockUnavailableError);
    expect(error).toMatchObject({ lockName: name, retryable: false, outcomeUnknown: false });
    expect((error as Error).message).toMatch(/WRONGTYPE.*keyPrefix/);
    expect((error as Error).name).toBe('LockUnavailableError');
    expect(((error as Error).cause as Error).message).toContain('WRONGTYPE');
    await expect(locks.forceRelease(name)).rejects.toThrow('WRONGTYPE');
    expect(await admin.get(lockKey(name))).toBe('a cached value');
    await untilIdle(locks);
  });

  it('fails all waiters, and no later caller after it was removed', async () => {
    await admin.set(lockKey(name), 'x', 'EX', 60);
    const outcomes = await Promise.allSettled([1, 2, 3].map(() => locks.acquire(name)));
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    await admin.del(lockKey(name));
    await locks.withLock(name, () => undefined);
    await untilIdle(locks);
  });

  it('fails only its own lock of all locks in the same call', async () => {
    await admin.set(lockKey(name), 'x', 'EX', 60);
    const others = Array.from({ length: 10 }, (_, n) => `${name}:${n}`);
    const names = [...others.slice(0, 5), name, ...others.slice(5)];
    const outcomes = await Promise.allSettled(names.map((each) => locks.acquire(each, { wait: 0 })));
    expect(outcomes.map(({ status }) => status === 'fulfilled')).toEqual(names.map((each) => each !== name));
    for (const outcome of outcomes) if (outcome.status === 'fulfilled') await outcome.value.release();
    await untilIdle(locks);
  });

  it('is named in the error of a holder that extends its lease', async () => {
    const lease = await locks.acquire(name);
    await admin.set(lockKey(name), 'x', 'EX', 60);
    await expect(lease.extend(60_000)).rejects.toMatchObject({ lockName: name, retryable: false });
    await lease.release();
    await admin.del(lockKey(name));
    await untilIdle(locks);
  });

  it('under the token leaves no lock behind', async () => {
    await admin.rpush(tokenKey(name), 'not a token');
    await expect(locks.acquire(name, { wait: Infinity })).rejects.toBeInstanceOf(LockUnavailableError);
    expect(await admin.exists(lockKey(name))).toBe(0);
    await untilIdle(locks);
  });

  it('that replaces a held lock makes that lock lost, and no other', async () => {
    await using short = await connectLockService({ url: testRedisUrl(), lease: 600 });
    const spoilt = await short.acquire(name);
    const good = await short.acquire(`${name}:good`);
    await admin.set(lockKey(name), 'x', 'EX', 60);
    await new Promise((resolve) => spoilt.signal.addEventListener('abort', resolve, { once: true }));
    good.assertHeld();
    await new Promise((resolve) => setTimeout(resolve, 700));
    good.assertHeld();
    await spoilt.release();
    await expect(good.release()).resolves.toBe('released');
    expect(await admin.get(lockKey(name))).toBe('x');
  });
});
