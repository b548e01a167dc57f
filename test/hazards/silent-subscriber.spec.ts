import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Cluster, type Redis, type RedisOptions } from 'ioredis';
import { connectLockService, LockBusyError, type LockServiceOptions } from 'nestjs-redis-lock';
import { commandsBetween, commandStats } from '../support/command-stats.js';
import { lockKey, noticeChannel } from '../support/lock-keys.js';
import { QuorumNodes } from '../support/quorum-nodes.js';
import { RedisCluster } from '../support/redis-cluster.js';
import { describeWithRedisServer, RedisServer } from '../support/redis-server.js';
import { SentinelSet } from '../support/sentinel-set.js';
import { SUBSCRIBES, TcpProxy } from '../support/tcp-proxy.js';
import { uniqueName } from '../support/test-redis.js';
import { untilIdle } from '../support/until-idle.js';
import { waitUntil } from '../support/wait-until.js';

/** A place where the connections for notifications of a waiter go through proxies. */
interface Place {
  /** Of the holder: without a proxy. */
  readonly direct: LockServiceOptions;
  readonly proxied: LockServiceOptions;
  readonly proxies: readonly TcpProxy[];
  /** How many of the servers have the channel of this name subscribed. */
  subscribed(name: string): Promise<number>;
  /** How many servers a waiter subscribes at. */
  readonly listensAt: number;
}

/** Far more than the test takes: nothing is served because a lease is over. */
const LONG_MS = 600_000;
/** A connection is replaced about 2 s after its peer vanished; the rest is for a busy machine. */
const BOUND_MS = 15_000;

/** Of those on which this name was subscribed: start-up has subscribed once, on any node of a cluster. */
const vanishAll = (proxies: readonly TcpProxy[], name: string): number =>
  proxies.reduce((sum, proxy) => sum + proxy.vanish(new RegExp(`subscribe[^*]*${name}`, 'i')), 0);

function describeSilence(where: string, placeOf: () => Place): void {
  describe(where, () => {
    let name: string;
    beforeEach(() => {
      name = uniqueName('silent');
    });

    it('replaces a connection for notifications whose peer has vanished, and a waiter is notified again', async () => {
      const { direct, proxied, proxies, subscribed, listensAt } = placeOf();
      await using holder = await connectLockService({ ...direct, lease: LONG_MS });
      await using locks = await connectLockService({ ...proxied, lease: LONG_MS });
      const lease = await holder.acquire(name);
      const waiting = locks.acquire(name, { wait: Infinity });
      await waitUntil('the waiter is subscribed', async () => (await subscribed(name)) === listensAt);
      const opened = proxies.reduce((sum, proxy) => sum + proxy.opened, 0);
      expect(vanishAll(proxies, name)).toBe(listensAt);
      const since = performance.now();
      await waitUntil(
        'the connections are replaced',
        () => proxies.reduce((sum, proxy) => sum + proxy.opened, 0) >= opened + listensAt,
      );
      expect(performance.now() - since).toBeLessThan(BOUND_MS);
      await waitUntil('the waiter is subscribed again', async () => (await subscribed(name)) >= listensAt);
      await lease.release();
      await (await waiting).release();
      await untilIdle(holder, locks);
    });

    it('closes such a connection also when the waiter gives up before the silence is noticed', async () => {
      const { direct, proxied, proxies, subscribed, listensAt } = placeOf();
      await using holder = await connectLockService({ ...direct, lease: LONG_MS });
      await using locks = await connectLockService({ ...proxied, lease: LONG_MS });
      const lease = await holder.acquire(name);
      const abort = new AbortController();
      const waiting = locks.acquire(name, { wait: Infinity, signal: abort.signal }).catch(() => 'aborted');
      await waitUntil('the waiter is subscribed', async () => (await subscribed(name)) === listensAt);
      expect(vanishAll(proxies, name)).toBe(listensAt);
      abort.abort();
      expect(await waiting).toBe('aborted');
      // The request to unsubscribe is not answered. The proxy ends the subscription when the connection is closed.
      await waitUntil('the server has no subscription', async () => (await subscribed(name)) === 0, BOUND_MS);
      await lease.release();
      await untilIdle(holder, locks);
    });
  });
}

describe('a connection for notifications whose peer vanishes without a FIN', () => {
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
      return () => proxy.close();
    });
    afterAll(() => server.stop());

    describeSilence('with a client of the library', () => place);

    it('the waiters of short waits go on being served', async () => {
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

    it('no PING is sent while nobody waits, and about one a second while somebody does', async () => {
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

    it('a stall of the event loop is not taken for a silent server', async () => {
      await using holder = await connectLockService({ ...place.direct, lease: LONG_MS });
      await using locks = await connectLockService({ ...place.proxied, lease: LONG_MS });
      // The proxy runs in this process and stalls with it: the data waits in sockets all the same.
      const lease = await holder.acquire(name);
      const waiting = locks.acquire(name, { wait: Infinity });
      await waitUntil('the waiter is subscribed', async () => (await subscribersOf(admin, name)) === 1);
      const { opened } = proxy;
      for (let round = 0; round < 4; round += 1) {
        await sleep(300);
        const until = performance.now() + 2_500;
        while (performance.now() < until);
      }
      await sleep(700);
      expect(proxy.opened).toBe(opened);
      await lease.release();
      await (await waiting).release();
      await untilIdle(holder, locks);
    });
  });

  describeWithRedisServer('behind Sentinel', () => {
    let set: SentinelSet;
    let proxies: TcpProxy[];
    let place: Place;
    beforeAll(async () => {
      set = await SentinelSet.start({ replicas: 1 });
      proxies = await Promise.all(set.servers.map((server) => TcpProxy.start(server.url)));
      const natMap: RedisOptions['natMap'] = Object.fromEntries(
        set.servers.map(({ port }, index) => [
          `127.0.0.1:${String(port)}`,
          { host: '127.0.0.1', port: proxies[index]!.port },
        ]),
      );
      const { sentinels, name } = set;
      const master = (await set.master()).client();
      place = {
        direct: { redis: { sentinels, name } },
        proxied: { redis: { sentinels, name, natMap } },
        proxies,
        subscribed: (of) => subscribersOf(master, of),
        listensAt: 1,
      };
    }, 120_000);
    afterAll(async () => {
      await Promise.all(proxies.map((proxy) => proxy.close()));
      await set.stop();
    });
    describeSilence('with a client of the library', () => place);
  });

  describeWithRedisServer('on a cluster', () => {
    let cluster: RedisCluster;
    let proxies: TcpProxy[];
    let place: Place;
    let client: Cluster;
    let callers: Place;
    beforeAll(async () => {
      cluster = await RedisCluster.start({ masters: 3, replicas: 0 });
      proxies = await Promise.all(cluster.servers.map((server) => TcpProxy.start(server.url)));
      const natMap = Object.fromEntries(
        cluster.servers.map(({ port }, index) => [
          `127.0.0.1:${String(port)}`,
          { host: '127.0.0.1', port: proxies[index]!.port },
        ]),
      );
      client = new Cluster(cluster.nodes, { natMap });
      place = {
        direct: { cluster: { nodes: cluster.nodes } },
        proxied: { cluster: { nodes: cluster.nodes, options: { natMap } } },
        proxies,
        subscribed: async (of) => {
          const { admin } = await cluster.masterOf(lockKey(of));
          return subscribersOf(admin, of, 'shardnumsub');
        },
        listensAt: 1,
      };
      callers = { ...place, proxied: { client } };
    }, 60_000);
    afterAll(async () => {
      client.disconnect();
      await Promise.all(proxies.map((proxy) => proxy.close()));
      await cluster.stop();
    });
    describeSilence('with a client of the library', () => place);
    describeSilence('with a client of the caller', () => callers);
  });

  describeWithRedisServer('on a quorum', () => {
    let nodes: QuorumNodes;
    let direct: QuorumNodes['servers'];
    let place: Place;
    beforeAll(async () => {
      nodes = await QuorumNodes.start(3, { proxies: true });
      direct = nodes.servers;
      const admins = direct.map((server) => server.client());
      place = {
        direct: { quorum: direct.map(({ url }) => url), restartGuard: 0 },
        proxied: { quorum: nodes.urls, restartGuard: 0 },
        proxies: nodes.proxies,
        subscribed: async (of) => {
          const counts = await Promise.all(admins.map((admin) => subscribersOf(admin, of)));
          return counts.filter((count) => count > 0).length;
        },
        listensAt: 3,
      };
    }, 60_000);
    afterAll(() => nodes.stop());
    describeSilence('on each of its nodes', () => place);
  });
});

async function subscribersOf(admin: Redis, name: string, command = 'numsub'): Promise<number> {
  const reply = (await admin.call('pubsub', command, noticeChannel(name))) as [string, number];
  return reply[1];
}
