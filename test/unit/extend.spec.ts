import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { connectLockService, LockConfigError, LockLostError, type LockService } from 'nestjs-redis-lock';
import { lockKey } from '../support/lock-keys.js';
import { redisClient, testRedisUrl, uniqueName } from '../support/test-redis.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { untilIdle } from '../support/until-idle.js';
import { waitUntil } from '../support/wait-until.js';

describe('extending a lease', () => {
  const admin = redisClient();
  let locks: LockService;
  let name: string;

  beforeEach(async () => {
    locks = await connectLockService({ url: testRedisUrl(), lease: 30_000, handOverTime: 60_000 });
    name = uniqueName('extend');
  });
  afterEach(() => locks.close());
  afterAll(() => admin.disconnect());

  it('to a shorter one without awaiting it, then releasing: the next caller does not get the short lease', async () => {
    const first = await locks.acquire(name);
    const waiting = [1, 2, 3].map(() => locks.acquire(name));
    await first.release();
    // This hold has tokens in reserve: it would be handed over without asking Redis.
    const lease = await waiting[0]!;
    const extended = lease.extend(100).catch((error: unknown) => error);
    await lease.release();
    const second = await waiting[1]!;
    await extended;
    await sleep(200);
    expect(second.remaining()).toBeGreaterThan(0);
    expect(await admin.exists(lockKey(name))).toBe(1);
    await expect(second.release()).resolves.toBe('released');
    await (await waiting[2]!).release();
    await untilIdle(locks);
  });

  it('to a shorter one counts from the request on', async () => {
    const lease = await locks.acquire(name, { lease: 20_000, renew: false });
    const extended = lease.extend(1_000);
    expect(lease.remaining()).toBeLessThanOrEqual(1_000);
    await extended;
    expect(lease.remaining()).toBeLessThanOrEqual(1_000);
    await waitUntil('it is over', () => lease.signal.aborted);
  });

  it('to a longer one counts from the reply on', async () => {
    const lease = await locks.acquire(name, { lease: 1_000, renew: false });
    const extended = lease.extend(20_000);
    expect(lease.remaining()).toBeLessThanOrEqual(1_000);
    await extended;
    expect(lease.remaining()).toBeGreaterThan(10_000);
    await lease.release();
  });

  it('that is renewed sets its length, and renewals continue', async () => {
    await using short = await connectLockService({ url: testRedisUrl(), lease: 500 });
    const lease = await short.acquire(name);
    await lease.extend(1_000);
    expect(lease.remaining()).toBeGreaterThan(500);
    await sleep(1_500);
    lease.assertHeld();
    await lease.release();
  });

  it('of a lock that is gone from Redis fails at once', async () => {
    const lease = await locks.acquire(name);
    await admin.del(lockKey(name));
    await expect(lease.extend(10_000)).rejects.toMatchObject({ code: 'LOCK_LOST', reason: 'taken' });
    expect(lease.signal.aborted).toBe(true);
    await expect(lease.release()).resolves.toBe('lost');
  });

  it('reports "released" if a release overtakes it', async () => {
    const lease = await locks.acquire(name);
    const extended = expect(lease.extend(5_000)).rejects.toMatchObject({ code: 'LOCK_LOST', reason: 'released' });
    await expect(lease.release()).resolves.toBe('released');
    await extended;
  });

  it('reports "released" if a release overtakes it, with the next local caller inside', async () => {
    const first = await locks.acquire(name);
    const waiting = [1, 2].map(() => locks.acquire(name));
    await first.release();
    const lease = await waiting[0]!;
    const extended = expect(lease.extend(60_000)).rejects.toMatchObject({ code: 'LOCK_LOST', reason: 'released' });
    await lease.release();
    const next = await waiting[1]!;
    await extended;
    next.assertHeld();
    await next.release();
    await untilIdle(locks);
  });

  it('reports "released" if a release overtakes it and Redis does not reply', async () => {
    await using proxy = await TcpProxy.start(testRedisUrl());
    await using remote = await connectLockService({ url: proxy.url, commandTimeout: 100 });
    const lease = await remote.acquire(name);
    proxy.replies = 'hold';
    const extended = expect(lease.extend(5_000)).rejects.toMatchObject({ code: 'LOCK_LOST', reason: 'released' });
    await expect(lease.release()).resolves.toBe('unconfirmed');
    await extended;
    proxy.replies = 'pass';
    await untilIdle(remote);
  });

  it('fails after the lease has ended, and with an invalid length', async () => {
    const lease = await locks.acquire(name);
    for (const bad of [0, -1, 9, 1.5, Number.NaN, 86_400_001]) {
      await expect(lease.extend(bad)).rejects.toBeInstanceOf(LockConfigError);
    }
    await lease.release();
    await expect(lease.extend(1_000)).rejects.toBeInstanceOf(LockLostError);
  });
});
