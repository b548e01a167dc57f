import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { connectLockService, LockUnavailableError, type LockService } from 'nestjs-redis-lock';
import { commandStats } from '../support/command-stats.js';
import { describeWithRedisServer, RedisServer } from '../support/redis-server.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { redisClient, uniqueName } from '../support/test-redis.js';
import { untilIdle } from '../support/until-idle.js';
import { waitUntil } from '../support/wait-until.js';

describeWithRedisServer('a latch', () => {
  let server: RedisServer;
  let proxy: TcpProxy;
  let locks: LockService;
  let other: LockService;
  let name: string;

  beforeEach(async () => {
    server = await RedisServer.start();
    proxy = await TcpProxy.start(server.url);
    locks = await connectLockService({ url: proxy.url, commandTimeout: 300 });
    other = await connectLockService({ url: server.url });
    name = uniqueName('latch');
  });
  afterEach(async () => {
    await Promise.all([locks.close(), other.close()]);
    await proxy.close();
    await server.stop();
  });

  describe.each(['cut', 'late'] as const)('whose replies are %s', (how) => {
    it('is set once, and counted down once by each call', async () => {
      await other.latch(name).trySetCount(1);
      await other.latch(name).countDown();
      const latch = locks.latch(name);
      await expect(lose(() => latch.trySetCount(20))).resolves.toBe(true);
      for (let left = 19; left > 15; left -= 1) {
        expect(await lose(() => latch.countDown())).toBe(left);
        expect(await other.latch(name).count()).toBe(left);
      }
      // Those that are sent at the same time, too.
      await lose(() => Promise.all(Array.from({ length: 15 }, () => latch.countDown())));
      expect(await other.latch(name).count()).toBe(1);
      await other.latch(name).countDown();
    });

    /** The server executes the first request, and its reply does not arrive in time, or not at all. */
    async function lose<T>(work: () => Promise<T>): Promise<T> {
      proxy.replies = 'hold';
      const result = work();
      await new Promise((resolve) => setTimeout(resolve, 150));
      if (how === 'cut') {
        proxy.cut();
        proxy.replies = 'pass';
      } else {
        await new Promise((resolve) => setTimeout(resolve, 400));
        proxy.replies = 'pass';
      }
      return result;
    }
  });

  it('counts no request that arrives after it was set again', async () => {
    const latch = locks.latch(name);
    await latch.trySetCount(1);
    proxy.replies = 'hold';
    const last = latch.countDown();
    await waitUntil('it is open', async () => (await other.latch(name).count()) === 0);
    await other.latch(name).trySetCount(2);
    // The request is sent again after its timeout.
    await new Promise((resolve) => setTimeout(resolve, 500));
    proxy.replies = 'pass';
    expect(await last).toBe(2);
    expect(await other.latch(name).count()).toBe(2);
  });

  it('opens for those whose notification was lost', async () => {
    await other.latch(name).trySetCount(1);
    const waiting = locks.latch(name).wait({ wait: 20_000 });
    await waitUntil('it waits', () => locks.stats().waiting === 1);
    await new Promise((resolve) => setTimeout(resolve, 200));
    proxy.replies = 'hold';
    await other.latch(name).countDown();
    await new Promise((resolve) => setTimeout(resolve, 100));
    proxy.cut();
    proxy.replies = 'pass';
    await waiting;
    await untilIdle(locks);
  });

  it('stays closed for a caller that came after it was set, although the reply to one before says that it is open', async () => {
    const latch = locks.latch(name);
    await latch.wait();
    const client = redisClient(server.url);
    const requests = async (): Promise<number> => (await commandStats(client)).get('evalsha') ?? 0;
    const before = await requests();
    proxy.replies = 'hold';
    const early = latch.wait();
    await waitUntil('its request was executed', async () => (await requests()) > before);
    await other.latch(name).trySetCount(1);
    const late = latch.wait({ wait: 20_000 });
    proxy.replies = 'pass';
    await early;
    expect(locks.stats().waiting).toBe(1);
    await other.latch(name).countDown();
    await late;
    await untilIdle(locks);
    client.disconnect();
  });

  it('rejects its calls when Redis cannot be reached, and keeps on waiting callers', async () => {
    await other.latch(name).trySetCount(1);
    const waiting = locks.latch(name).wait({ wait: 20_000 });
    await waitUntil('it waits', () => locks.stats().waiting === 1);
    proxy.refuse();
    await using short = await connectLockService({ url: server.url, wait: 500, commandTimeout: 200 });
    await expect(locks.latch(name).count()).rejects.toBeInstanceOf(LockUnavailableError);
    await expect(locks.latch(name).wait({ wait: 0 })).rejects.toMatchObject({ lockName: name });
    await short.latch(name).countDown();
    proxy.accept();
    await waiting;
    await untilIdle(locks);
  });

  it('tells a caller after `wait` that its call may not have been counted', async () => {
    await using impatient = await connectLockService({ url: proxy.url, wait: 700, commandTimeout: 200 });
    await impatient.latch(name).trySetCount(3);
    proxy.requests = 'hold';
    await expect(impatient.latch(name).countDown()).rejects.toMatchObject({ code: 'LOCK_UNAVAILABLE', lockName: name });
    proxy.requests = 'pass';
    // All requests of the call arrive now: it counts once.
    await waitUntil('they have arrived', async () => (await other.latch(name).count()) < 3);
    expect(await impatient.latch(name).count()).toBe(2);
  });
});
