import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { LockUnavailableError } from 'nestjs-redis-lock';
import { describeEachWithRedisServer, RedisServer } from '../support/redis-server.js';
import { SUBJECTS } from '../support/subjects.js';
import { uniqueName } from '../support/test-redis.js';
import { untilIdle } from '../support/until-idle.js';
import { waitUntil } from '../support/wait-until.js';

describeEachWithRedisServer(SUBJECTS, '$label while the server pauses its clients', (subject) => {
  let server: RedisServer;
  let admin: Redis;
  let name: string;

  beforeEach(async () => {
    server = await RedisServer.start();
    admin = server.client();
    name = uniqueName('pause');
  });
  afterEach(() => server.stop());

  /** A pause of ALL holds up whoever would end it, too: it just has to pass. */
  const endPause = (mode: 'WRITE' | 'ALL'): Promise<unknown> =>
    mode === 'ALL' ? admin.ping() : admin.client('UNPAUSE');

  for (const mode of ['WRITE', 'ALL'] as const) {
    it(`(${mode}) for less than the request timeout, an acquire only takes longer`, async () => {
      await using locks = await subject.connect({ url: server.url, commandTimeout: 5_000, lease: 30_000 });
      await admin.call('client', 'pause', 300, mode);
      const lease = await locks.acquire(name, { wait: 0 });
      lease.assertHeld();
      await expect(lease.release()).resolves.toBe('released');
      await untilIdle(locks);
    });

    it(`(${mode}) for longer, an acquire fails as unavailable, and leaves no lock behind`, async () => {
      await using locks = await subject.connect({ url: server.url, commandTimeout: 200, lease: 60_000 });
      await admin.call('client', 'pause', 1_500, mode);
      await expect(locks.acquire(name, { wait: 0 })).rejects.toBeInstanceOf(LockUnavailableError);
      await expect(locks.acquire(name, { wait: 300 })).rejects.toBeInstanceOf(LockUnavailableError);
      await expect(locks.tryAcquire(name)).rejects.toBeInstanceOf(LockUnavailableError);
      await endPause(mode);
      await untilIdle(locks);
      expect(await admin.exists(subject.key(name))).toBe(0);
    });

    it(`(${mode}) for less than the lease, a holder keeps its lock`, async () => {
      await using locks = await subject.connect({ url: server.url, commandTimeout: 200, lease: 3_000 });
      const lease = await locks.acquire(name);
      await admin.call('client', 'pause', 1_500, mode);
      await sleep(1_600);
      lease.assertHeld();
      await sleep(2_500);
      lease.assertHeld();
      await expect(lease.release()).resolves.toBe('released');
      await untilIdle(locks);
    });

    it(`(${mode}) for longer than the lease, the holder is notified before another caller can get the lock`, async () => {
      await using locks = await subject.connect({ url: server.url, commandTimeout: 200, lease: 900 });
      await using others = await subject.connect({ url: server.url });
      const lease = await locks.acquire(name);
      // Taken before: asking the lease for it looks at the clock, and here nobody is to ask.
      const { signal } = lease;
      await admin.call('client', 'pause', 1_500, mode);
      const waiting = others.acquire(name, { wait: Infinity });
      await waitUntil('the holder is told', () => signal.aborted);
      expect(signal.reason).toMatchObject({ code: 'LOCK_LOST', reason: 'expired' });
      await endPause(mode);
      const next = await waiting;
      expect(next.token).toBeGreaterThan(lease.token);
      await expect(lease.release()).resolves.toBe('lost');
      next.assertHeld();
      await expect(next.release()).resolves.toBe('released');
      await untilIdle(locks, others);
    });
  }

  it('a release without a reply is retried afterwards', async () => {
    await using locks = await subject.connect({ url: server.url, commandTimeout: 200, lease: 60_000 });
    const lease = await locks.acquire(name);
    await admin.call('client', 'pause', 60_000, 'WRITE');
    await expect(lease.release()).resolves.toBe('unconfirmed');
    expect(locks.stats().unsettled).toBe(1);
    await admin.client('UNPAUSE');
    await untilIdle(locks);
    expect(await admin.exists(subject.key(name))).toBe(0);
  });

  it('a suspended server has the same effect', async () => {
    await using locks = await subject.connect({ url: server.url, commandTimeout: 200, lease: 900 });
    const lease = await locks.acquire(name);
    server.freeze();
    await expect(locks.acquire(`${name}:other`, { wait: 0 })).rejects.toBeInstanceOf(LockUnavailableError);
    await waitUntil('the holder is told', () => lease.signal.aborted);
    await lease.release();
    server.thaw();
    await untilIdle(locks);
    expect(await admin.exists(subject.key(name), subject.key(`${name}:other`))).toBe(0);
  });
});
