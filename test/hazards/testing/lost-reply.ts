import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { LockUnavailableError } from 'nestjs-redis-lock';
import { tokenKey } from '../../support/lock-keys.js';
import { EXCLUSIVE, teachScripts, type Subject } from '../../support/subjects.js';
import { untilSubscribed } from '../../support/subscribers.js';
import { TcpProxy } from '../../support/tcp-proxy.js';
import { redisClient, testRedisUrl, uniqueName } from '../../support/test-redis.js';
import { untilIdle } from '../../support/until-idle.js';
import { waitUntil } from '../../support/wait-until.js';

/** What happens when the reply to a request is lost. */
export function describeLostReplies(subjects: readonly Subject[]): void {
  describe.each(subjects)('a lost reply about $label', (subject) => {
    let proxy: TcpProxy;
    let admin: Redis;
    let name: string;

    beforeAll(async () => {
      await using locks = await subject.connect({ url: testRedisUrl() });
      await teachScripts(locks);
    });
    beforeEach(async () => {
      proxy = await TcpProxy.start(testRedisUrl());
      admin = redisClient();
      name = uniqueName('lost-reply');
    });
    afterEach(async () => {
      admin.disconnect();
      await proxy.close();
    });

    const taken = async (): Promise<boolean> => (await admin.exists(subject.key(name))) === 1;

    /** Lets what is sent now be executed, loses the answer and cuts the connection. */
    async function loseReply<T>(send: () => Promise<T>, executed: () => Promise<boolean>): Promise<Promise<T>[]> {
      proxy.replies = 'drop';
      const reply = send();
      reply.catch(() => undefined);
      await waitUntil('Redis has executed it', executed);
      proxy.cut();
      proxy.replies = 'pass';
      // In an array, or it would be awaited by the caller's `await`.
      return [reply];
    }

    describe('of an acquire', () => {
      it('is repaired by a retry: the same lock, counted once', async () => {
        await using locks = await subject.connect({ url: proxy.url });
        const [acquiring] = await loseReply(() => locks.acquire(name), taken);
        const reserved = await admin.get(tokenKey(name));
        const lease = await acquiring!;
        // A semaphore may have given tokens to other owners since, so it issues new ones.
        if (subject === EXCLUSIVE) expect(await admin.get(tokenKey(name))).toBe(reserved);
        expect(await subject.holds(admin, name)).toBe(1);
        await expect(lease.release()).resolves.toBe('released');
        expect(await taken()).toBe(false);
        await untilIdle(locks);
      });

      it('is repaired by a client that sends the request again by itself', async () => {
        const client = redisClient(proxy.url, { maxRetriesPerRequest: null });
        await using locks = await subject.connect({ client });
        const [acquiring] = await loseReply(() => locks.acquire(name), taken);
        const lease = await acquiring!;
        expect(await subject.holds(admin, name)).toBe(1);
        await expect(lease.release()).resolves.toBe('released');
        expect(await taken()).toBe(false);
        await untilIdle(locks);
        client.disconnect();
      });

      it.each(['own', 'caller'])('leaves no lock behind without a retry (the %s client)', async (whose) => {
        const client = redisClient(proxy.url, { maxRetriesPerRequest: null });
        await using locks = await subject.connect(
          whose === 'own' ? { url: proxy.url, commandTimeout: 500 } : { client, commandTimeout: 500 },
        );
        const [acquiring] = await loseReply(() => locks.acquire(name, { wait: 0 }), taken);
        if (whose === 'own') await expect(acquiring).rejects.toBeInstanceOf(LockUnavailableError);
        // Sent again by the client, it may be answered in time.
        else await acquiring!.then((lease) => lease.release()).catch(() => undefined);
        await untilIdle(locks);
        expect(await taken()).toBe(false);
        client.disconnect();
      });

      it('leaves no lock behind when the caller stops waiting', async () => {
        await using locks = await subject.connect({ url: proxy.url });
        const abort = new AbortController();
        proxy.replies = 'drop';
        const acquiring = locks.acquire(name, { signal: abort.signal });
        const aborted = expect(acquiring).rejects.toMatchObject({ code: 'LOCK_ABORTED' });
        await waitUntil('Redis has executed it', taken);
        abort.abort();
        await aborted;
        expect(locks.stats().unsettled).toBe(1);
        proxy.cut();
        proxy.replies = 'pass';
        await untilIdle(locks);
        expect(await taken()).toBe(false);
      });

      it('leaves no lock behind if it arrives late', async () => {
        await using locks = await subject.connect({ url: proxy.url, commandTimeout: 100, lease: 60_000 });
        proxy.delayReplies(400);
        await expect(locks.acquire(name, { wait: 0 })).rejects.toBeInstanceOf(LockUnavailableError);
        proxy.delayReplies(0);
        await untilIdle(locks);
        expect(await taken()).toBe(false);
      });

      it('does not affect the waiters behind it', async () => {
        await using locks = await subject.connect({ url: proxy.url });
        const served: number[] = [];
        const all = [1, 2, 3].map((n) => () => locks.withLock(name, () => served.push(n)));
        const [waiting] = await loseReply(() => Promise.all(all.map((each) => each())), taken);
        await waiting;
        expect(served).toEqual([1, 2, 3]);
        await untilIdle(locks);
        expect(await taken()).toBe(false);
      });
    });

    describe('of a release', () => {
      it('is cleaned up in the background, and the next caller gets the lock', async () => {
        await using locks = await subject.connect({ url: proxy.url, lease: 60_000 });
        const lease = await locks.acquire(name);
        const [releasing] = await loseReply(
          () => lease.release(),
          async () => !(await taken()),
        );
        await expect(releasing).resolves.toBe('unconfirmed');
        await untilIdle(locks);
        const next = await locks.acquire(name);
        expect(next.token).toBeGreaterThan(lease.token);
        await next.release();
      });

      it('counts as released on a client that sends it again by itself', async () => {
        const client = redisClient(proxy.url, { maxRetriesPerRequest: null });
        await using locks = await subject.connect({ client });
        const lease = await locks.acquire(name);
        const [releasing] = await loseReply(
          () => lease.release(),
          async () => !(await taken()),
        );
        await expect(releasing).resolves.toBe('released');
        await untilIdle(locks);
        client.disconnect();
      });

      it('never releases the lock of the next holder', async () => {
        await using locks = await subject.connect({ url: proxy.url, commandTimeout: 200 });
        await using others = await subject.connect({ url: testRedisUrl() });
        const lease = await locks.acquire(name);
        proxy.requests = 'hold';
        await expect(lease.release()).resolves.toBe('unconfirmed');
        // The lock goes to somebody else while the releases are still under way.
        await subject.lose(admin, name);
        const next = await others.acquire(name);
        proxy.requests = 'pass';
        await untilIdle(locks);
        expect(await others.isHeld(name)).toBe(true);
        await expect(next.release()).resolves.toBe('released');
      });

      it('does not cut holdAtLeast short', async () => {
        await using locks = await subject.connect({ url: proxy.url, lease: 20_000 });
        const lease = await locks.acquire(name, { holdAtLeast: 60_000 });
        const [releasing] = await loseReply(
          () => lease.release(),
          async () => (await subject.timeToLive(admin, name)) > 30_000,
        );
        await expect(releasing).resolves.toBe('unconfirmed');
        await untilIdle(locks);
        expect(await subject.timeToLive(admin, name)).toBeGreaterThan(30_000);
      });
    });

    describe('of a renewal', () => {
      it('is repaired by a retry before the lease ends', async () => {
        await using locks = await subject.connect({ url: proxy.url, lease: 1_500 });
        const lease = await locks.acquire(name);
        let last = Infinity;
        const renewed = async (): Promise<boolean> => {
          const before = last;
          last = await subject.timeToLive(admin, name);
          return last > before;
        };
        await Promise.all(await loseReply(() => Promise.resolve(), renewed));
        await sleep(1_800);
        lease.assertHeld();
        await expect(lease.release()).resolves.toBe('released');
        await untilIdle(locks);
      });

      it('that shortens the lease makes the shorter lease count for the holder', async () => {
        await using locks = await subject.connect({ url: proxy.url, lease: 60_000, commandTimeout: 300 });
        const lease = await locks.acquire(name, { lease: 50_000, renew: false });
        const [extending] = await loseReply(
          () => lease.extend(2_000),
          async () => (await subject.timeToLive(admin, name)) <= 2_000,
        );
        await expect(extending).rejects.toBeInstanceOf(LockUnavailableError);
        expect(lease.remaining()).toBeLessThanOrEqual(2_000);
        await lease.release();
        await untilIdle(locks);
      });
    });

    it('of a subscription does not keep a waiter from getting the lock', async () => {
      await using locks = await subject.connect({ url: proxy.url, commandTimeout: 300 });
      await using others = await subject.connect({ url: testRedisUrl() });
      const lease = await others.acquire(name);
      proxy.replies = 'drop';
      const waiting = locks.acquire(name, { wait: 20_000 });
      await sleep(400);
      proxy.cut();
      proxy.replies = 'pass';
      await untilSubscribed(admin, name, 1, subject.channel);
      await lease.release();
      const next = await waiting;
      await next.release();
      await untilIdle(locks, others);
    });
  });
}
