import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { connectLockService, LockBusyError } from 'nestjs-redis-lock';
import { commandsBetween, commandStats } from '../support/command-stats.js';
import { describeWithRedisServer, RedisServer } from '../support/redis-server.js';
import { subscribersOf } from '../support/subscribers.js';
import { SUBSCRIBES, TcpProxy } from '../support/tcp-proxy.js';
import { uniqueName } from '../support/test-redis.js';
import { untilIdle } from '../support/until-idle.js';
import { waitUntil } from '../support/wait-until.js';
import { describeSilence, LONG_MS, type Place } from './testing/silence.js';

describe('a connection for notifications whose peer disappears without a FIN', () => {
  describeWithRedisServer('on one server', () => {
    let server: RedisServer;
    let proxy: TcpProxy;
    let admin: Redis;
    let place: Place;
    let name: string;
    beforeAll(async () => {
      server = await RedisServer.start();
      admin = server.client();
    });
    beforeEach(async () => {
      name = uniqueName('silent');
      proxy = await TcpProxy.start(server.url);
      place = {
        direct: { url: server.url },
        proxied: { url: proxy.url },
        proxies: [proxy],
        subscribed: (of) => subscribersOf(admin, of),
        listensAt: 1,
      };
    });
    afterEach(() => proxy.close());
    afterAll(() => server.stop());

    describeSilence('with a client of the library', () => place);

    it('waiters with short waits are still served', async () => {
      await using holder = await connectLockService({ ...place.direct, lease: LONG_MS });
      await using locks = await connectLockService({ ...place.proxied, lease: LONG_MS });
      const warmUp = await holder.acquire(name);
      await locks.acquire(name, { wait: 50 }).catch(() => undefined);
      await warmUp.release();
      expect(proxy.vanish(SUBSCRIBES)).toBe(1);
      // Each lock is free long before the wait of the caller is over: none may be told that it is busy.
      const outcomes: string[] = [];
      for (let round = 0; round < 6; round += 1) {
        const lease = await holder.acquire(name, { wait: Infinity });
        const waiting = locks.acquire(name, { wait: 800 });
        await sleep(300);
        await lease.release();
        outcomes.push(
          await waiting.then(
            async (next) => {
              await next.release();
              return 'served';
            },
            (error: unknown) => (error instanceof LockBusyError ? 'busy' : 'failed'),
          ),
        );
      }
      expect(outcomes.filter((outcome) => outcome === 'busy')).toEqual([]);
      expect(outcomes.at(-1)).toBe('served');
      await untilIdle(holder, locks);
    });

    it('a SUBSCRIBE that is never confirmed counts as silence', async () => {
      await using holder = await connectLockService({ ...place.direct, lease: LONG_MS });
      await using locks = await connectLockService({ ...place.proxied, lease: LONG_MS });
      // The connection is open, nothing is subscribed on it any more, and its peer vanishes.
      await locks.withLock(name, () => undefined);
      await waitUntil('nothing is subscribed', async () => {
        const channels = (await admin.call('pubsub', 'channels')) as string[];
        return channels.length === 0;
      });
      expect(proxy.vanish(SUBSCRIBES)).toBe(1);
      const lease = await holder.acquire(name);
      const waiting = locks.acquire(name, { wait: Infinity });
      await waitUntil('the waiter is subscribed', async () => (await subscribersOf(admin, name)) === 1);
      await lease.release();
      await (await waiting).release();
      await untilIdle(holder, locks);
    });

    it('no PING is sent without waiters, and about one per second with waiters', async () => {
      await using holder = await connectLockService({ ...place.direct, lease: LONG_MS });
      await using locks = await connectLockService({ ...place.direct, lease: LONG_MS });
      const pingsIn = async (ms: number): Promise<number> => {
        const before = await commandStats(admin);
        await sleep(ms);
        return commandsBetween(before, await commandStats(admin)).get('ping') ?? 0;
      };
      const lease = await holder.acquire(name);
      const abort = new AbortController();
      const waiting = locks.acquire(name, { wait: Infinity, signal: abort.signal }).catch(() => undefined);
      await waitUntil('the waiter is subscribed', async () => (await subscribersOf(admin, name)) === 1);
      const pings = await pingsIn(3_000);
      expect(pings).toBeGreaterThan(0);
      expect(pings).toBeLessThanOrEqual(4);
      abort.abort();
      await waiting;
      await waitUntil('nothing is subscribed', async () => (await subscribersOf(admin, name)) === 0);
      expect(await pingsIn(2_500)).toBe(0);
      await lease.release();
      await untilIdle(holder, locks);
    });
  });
});
