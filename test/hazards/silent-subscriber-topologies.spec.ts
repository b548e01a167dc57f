import { afterAll, beforeAll, describe } from '@jest/globals';
import { Cluster, type RedisOptions } from 'ioredis';
import { lockKey } from '../support/lock-keys.js';
import { QuorumNodes } from '../support/quorum-nodes.js';
import { RedisCluster } from '../support/redis-cluster.js';
import { describeWithRedisServer, RedisServer } from '../support/redis-server.js';
import { SentinelSet } from '../support/sentinel-set.js';
import { SEMAPHORE_OF_ONE } from '../support/subjects.js';
import { subscribersOf } from '../support/subscribers.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { describeSilence, type Place } from './testing/silence.js';

describe('a connection for notifications whose peer disappears without a FIN', () => {
  describeWithRedisServer('on one server, of semaphores', () => {
    let server: RedisServer;
    let proxy: TcpProxy;
    let place: Place;
    beforeAll(async () => {
      server = await RedisServer.start();
      proxy = await TcpProxy.start(server.url);
      const admin = server.client();
      place = {
        direct: { url: server.url },
        proxied: { url: proxy.url },
        proxies: [proxy],
        subscribed: (of) => subscribersOf(admin, of, SEMAPHORE_OF_ONE.channel),
        listensAt: 1,
      };
    });
    afterAll(async () => {
      await proxy.close();
      await server.stop();
    });
    describeSilence('with a client of the library', () => place, SEMAPHORE_OF_ONE);
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
          return subscribersOf(admin, of);
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
