import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { ClusterOptions } from 'ioredis';
import { connectLockService, type LockService } from 'nestjs-redis-lock';
import { lockKey } from '../support/lock-keys.js';
import { RedisCluster, type ClusterNode } from '../support/redis-cluster.js';
import { describeWithRedisServer } from '../support/redis-server.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { uniqueName } from '../support/test-redis.js';
import { untilIdle } from '../support/until-idle.js';
import { waitUntil } from '../support/wait-until.js';

const LEASE_MS = 9_000;

describeWithRedisServer('on a cluster whose nodes become silent', () => {
  let cluster: RedisCluster;
  let proxies: TcpProxy[];
  let locks: LockService;

  beforeAll(async () => {
    cluster = await RedisCluster.start({ replicas: 0 });
  }, 60_000);
  afterAll(() => cluster.stop());
  beforeEach(async () => {
    proxies = await openProxies();
  });
  afterEach(async () => {
    await locks.close();
    await closeAll(proxies);
  });

  const openProxies = (): Promise<TcpProxy[]> =>
    Promise.all(cluster.servers.map((server) => TcpProxy.start(server.url)));
  const closeAll = (some: readonly TcpProxy[]): Promise<unknown> => Promise.all(some.map((proxy) => proxy.close()));

  /** Nodes are reached through the proxies that `through` has at that time. */
  const natMap =
    (through: () => readonly TcpProxy[]): ClusterOptions['natMap'] =>
    (address) => {
      const index = cluster.servers.findIndex(({ port }) => address === `127.0.0.1:${String(port)}`);
      return index === -1 ? null : { host: '127.0.0.1', port: through()[index]!.port };
    };

  async function open(start = proxies): Promise<void> {
    const nodes = start.map(({ port }) => ({ host: '127.0.0.1', port }));
    const options = { natMap: natMap(() => proxies) };
    locks = await connectLockService({ cluster: { nodes, options }, lease: LEASE_MS, shutdownTimeout: 500 });
  }

  async function nameOn(node: ClusterNode): Promise<string> {
    for (;;) {
      const name = uniqueName('silent');
      if ((await cluster.masterOf(lockKey(name))) === node) return name;
    }
  }

  it('replaces the silent connection to one node, keeps its leases, and continues to use the other nodes', async () => {
    await open();
    const [first, second] = cluster.members as [ClusterNode, ClusterNode];
    const [held, free, other] = await Promise.all([nameOn(first), nameOn(first), nameOn(second)]);
    await locks.withLock(other, () => undefined);
    const lease = await locks.acquire(held);
    const [, elsewhere] = proxies.map(({ opened }) => opened);
    expect(proxies[0]!.vanish()).toBeGreaterThan(0);
    // On one Redis it takes about 2 s.
    await locks.withLock(free, () => undefined, { wait: 8_000 });
    await locks.withLock(other, () => undefined, { wait: 0 });
    await lease.extend(LEASE_MS);
    expect(lease.signal.aborted).toBe(false);
    await expect(lease.release()).resolves.toBe('released');
    // Looks at the cluster, each over a connection of its own, are all that the other node got.
    expect(proxies[1]!.opened - elsewhere!).toBeLessThan(10);
  }, 30_000);

  it('keeps the connection to a node that is only stopped', async () => {
    await open();
    const [first] = cluster.members as [ClusterNode];
    const name = await nameOn(first);
    await locks.withLock(name, () => undefined);
    const connections = async (): Promise<string[]> =>
      String(await first.admin.client('LIST'))
        .split('\n')
        .filter((line) => line.includes(' name=nestjs-redis-lock '))
        .map((line) => line.split(' ')[0]!);
    const before = await connections();
    first.server.freeze();
    const waiting = locks.acquire(name);
    await sleep(4_000);
    first.server.thaw();
    await (await waiting).release();
    expect(await connections()).toEqual(expect.arrayContaining(before));
    await untilIdle(locks);
  }, 30_000);

  it('starts again from the configured nodes when the whole cluster has moved and its old addresses are silent', async () => {
    const [first] = cluster.members as [ClusterNode];
    const entry = await TcpProxy.start(first.server.url);
    await open([entry]);
    const names = await Promise.all(cluster.members.map(nameOn));
    for (const name of names) await locks.withLock(name, () => undefined);
    const old = proxies;
    proxies = await openProxies();
    for (const proxy of old) proxy.pause();
    for (const name of names) {
      await waitUntil('it is served', () => locks.withLock(name, () => true, { wait: 5_000 }).catch(() => false));
    }
    await closeAll([...old, entry]);
  }, 60_000);
});
