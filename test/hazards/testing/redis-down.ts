import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { createLockService, LockBusyError, LockLostError, LockUnavailableError } from 'nestjs-redis-lock';
import { describeEachWithRedisServer, RedisServer } from '../../support/redis-server.js';
import { type Subject } from '../../support/subjects.js';
import { TcpProxy } from '../../support/tcp-proxy.js';
import { redisClient, uniqueName } from '../../support/test-redis.js';
import { untilIdle } from '../../support/until-idle.js';
import { waitUntil } from '../../support/wait-until.js';

/** What callers of a lock see while Redis cannot be reached. */
export function describeRedisDown(subjects: readonly Subject[]): void {
  describeEachWithRedisServer(subjects, '$label while Redis cannot be reached', (subject) => {
    let server: RedisServer;
    let proxy: TcpProxy;
    let admin: Redis;
    let name: string;

    beforeEach(async () => {
      server = await RedisServer.start();
      proxy = await TcpProxy.start(server.url);
      admin = server.client();
      name = uniqueName('down');
    });
    afterEach(async () => {
      await proxy.close();
      await server.stop();
    });

    it.each(['background', 'created'])('a service that was started without it recovers (%s)', async (how) => {
      proxy.refuse();
      await using locks =
        how === 'created'
          ? subject.of(createLockService({ url: proxy.url, commandTimeout: 200 }))
          : await subject.connect({ url: proxy.url, commandTimeout: 200, startup: 'background' });
      await expect(locks.acquire(name, { wait: 0 })).rejects.toBeInstanceOf(LockUnavailableError);
      const waiting = locks.acquire(name, { wait: Infinity });
      proxy.accept();
      await (await waiting).release();
      await untilIdle(locks);
    });

    it('calls fail as unavailable, within their time, never as busy', async () => {
      await using locks = await subject.connect({ url: proxy.url, commandTimeout: 300 });
      proxy.refuse();
      const failure = async (call: Promise<unknown>): Promise<{ error: unknown; afterMs: number }> => {
        const started = performance.now();
        const error: unknown = await call.then(
          () => 'it succeeded',
          (e: unknown) => e,
        );
        return { error, afterMs: performance.now() - started };
      };
      const calls = {
        once: failure(locks.acquire(name, { wait: 0 })),
        try: failure(locks.tryAcquire(`${name}:try`)),
        brief: failure(locks.acquire(`${name}:brief`, { wait: 100 })),
        behind: failure(locks.acquire(`${name}:brief`, { wait: 150 })),
        section: failure(locks.withLock(`${name}:section`, () => 'ran', { wait: 400 })),
        several: failure(locks.service.acquire([`${name}:a`, `${name}:b`], { wait: 100 })),
        inspect: failure(locks.isHeld(name)),
        force: failure(locks.service.forceRelease(name)),
      };
      for (const [what, call] of Object.entries(calls)) {
        const { error, afterMs } = await call;
        expect({ what, error }).toEqual({ what, error: expect.any(LockUnavailableError) });
        expect(afterMs).toBeLessThan(5_000);
      }
      const { error } = await calls.brief;
      expect(error).toMatchObject({ code: 'LOCK_UNAVAILABLE', lockName: `${name}:brief`, retryable: true });
      proxy.accept();
      await untilIdle(locks);
    });

    it('a call with `wait: Infinity` waits, can be aborted, and is served when Redis is back', async () => {
      await using locks = await subject.connect({ url: proxy.url, commandTimeout: 200 });
      proxy.refuse();
      const abort = new AbortController();
      const aborted = expect(locks.acquire(name, { wait: Infinity, signal: abort.signal })).rejects.toMatchObject({
        code: 'LOCK_ABORTED',
      });
      const waiting = locks.acquire(name, { wait: Infinity });
      await sleep(500);
      abort.abort();
      await aborted;
      expect(locks.stats().waiting).toBe(1);
      proxy.accept();
      const lease = await waiting;
      await expect(lease.release()).resolves.toBe('released');
      await untilIdle(locks);
    });

    it('a running section is notified before another caller can get its lock', async () => {
      await using locks = await subject.connect({ url: proxy.url, commandTimeout: 200, lease: 1_200 });
      const leases = await Promise.all([1, 2, 3].map((n) => locks.acquire(`${name}:${n}`)));
      const events: string[] = [];
      for (const { signal } of leases) signal.addEventListener('abort', () => events.push('told'), { once: true });
      proxy.refuse();
      // No renewal gets through from here on, so this is the latest moment at which Redis may let others in. On a busy
      // machine the signals may come later than this timer; what the holder asks is answered in time.
      await sleep(1_200);
      expect(() => leases[0]!.assertHeld()).toThrow(LockLostError);
      await waitUntil('the signals of all have aborted', () => events.length === 3);
      for (const { signal } of leases) expect(signal.reason).toMatchObject({ code: 'LOCK_LOST', reason: 'expired' });
      for (const lease of leases) await expect(lease.release()).resolves.toBe('lost');
      proxy.accept();
      await untilIdle(locks);
    });

    it('only briefly, a running section keeps its lock', async () => {
      await using locks = await subject.connect({ url: proxy.url, commandTimeout: 500, lease: 3_000 });
      const lease = await locks.acquire(name);
      proxy.refuse();
      await sleep(1_200);
      proxy.accept();
      await sleep(2_500);
      lease.assertHeld();
      await expect(lease.release()).resolves.toBe('released');
      await untilIdle(locks);
    });

    it('callers of the same process get LockUnavailableError, and not "busy"', async () => {
      await using locks = await subject.connect({ url: proxy.url, commandTimeout: 100 });
      proxy.refuse();
      const waiting = expect(locks.acquire(name, { wait: 2_000 })).rejects.toBeInstanceOf(LockUnavailableError);
      await sleep(300);
      const error = await locks.tryAcquire(name).catch((e: unknown) => e);
      expect(error).not.toBeInstanceOf(LockBusyError);
      expect(error).toBeInstanceOf(LockUnavailableError);
      await waiting;
    });

    // The second one ends between two tries. What waits for the connection when its caller leaves may still be sent within
    // its time limit, and is undone.
    it.each([0, 240])("a caller's client never sends an abandoned acquire later (wait %i)", async (wait) => {
      const client = redisClient(proxy.url, { maxRetriesPerRequest: null });
      await once(client, 'ready');
      await using locks = await subject.connect({ client, commandTimeout: 100 });
      proxy.refuse();
      await waitUntil('the client is offline', () => client.status !== 'ready');
      await expect(locks.acquire(name, { wait })).rejects.toBeInstanceOf(LockUnavailableError);
      // A try that waits for the connection may still be sent, and is undone, for up to `commandTimeout`.
      await sleep(300);
      const before = await admin.info('commandstats');
      proxy.accept();
      await waitUntil('the client is back', () => client.status === 'ready');
      await client.ping();
      await untilIdle(locks);
      expect(await admin.exists(subject.key(name))).toBe(0);
      const count = (info: string): string | undefined => /cmdstat_hset:calls=(\d+)/.exec(info)?.[1];
      expect(count(await admin.info('commandstats'))).toBe(count(before));
      client.disconnect();
    });

    it('an acquire that a client sends again much later leaves no orphaned lock', async () => {
      const client = redisClient(proxy.url, { maxRetriesPerRequest: null });
      await once(client, 'ready');
      await using locks = await subject.connect({ client, commandTimeout: 100, lease: 10_000 });
      // Lost on the way with the connection; ioredis keeps it, to send it when it is connected again.
      proxy.requests = 'drop';
      const acquiring = locks.acquire(name, { wait: 0, lease: 600, renew: false });
      await sleep(20);
      proxy.refuse();
      await expect(acquiring).rejects.toBeInstanceOf(LockUnavailableError);
      // Longer than the lease, after which nothing would be left to settle if it had been taken then.
      await sleep(2_500);
      proxy.requests = 'pass';
      proxy.accept();
      await waitUntil('the client is back', () => client.status === 'ready');
      await untilIdle(locks);
      await locks.isHeld(name);
      expect(await admin.exists(subject.key(name))).toBe(0);
      client.disconnect();
    });
  });
}
