import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import {
  connectLockService,
  createLockService,
  LockConfigError,
  LockNameError,
  type LockService,
  type LockServiceOptions,
} from 'nestjs-redis-lock';
import { freeClusterPort } from '../support/cluster-port.js';
import { commandsBetween, commandStats } from '../support/command-stats.js';
import { lockKey } from '../support/lock-keys.js';
import { RedisCluster } from '../support/redis-cluster.js';
import { describeWithRedisServer, RedisServer } from '../support/redis-server.js';
import { RoutingProxy } from '../support/routing-proxy.js';
import { uniqueName } from '../support/test-redis.js';
import { untilIdle } from '../support/until-idle.js';
import { waitUntil } from '../support/wait-until.js';
import { ALL_SLOTS } from '../support/wrong-states.js';

const LEASE_MS = 1_500;
const names = (count: number): string[] => Array.from({ length: count }, () => uniqueName());

/** Several locks are taken in one tick, renewed together and released in one tick. */
async function useManyAtOnce(locks: LockService): Promise<string[]> {
  const eight = names(8);
  const leases = await Promise.all(eight.map((name) => locks.acquire(name, { wait: 2_000 })));
  const began = performance.now();
  await waitUntil('their first leases are over', () => performance.now() - began > LEASE_MS + 300);
  expect(leases.map(({ signal }) => signal.aborted)).toEqual(eight.map(() => false));
  expect(await Promise.all(leases.map((lease) => lease.release()))).toEqual(eight.map(() => 'released'));
  await untilIdle(locks);
  return eight.map(lockKey);
}

/** Two services on `options`: one waits for what the other releases. */
async function wakeEachOther(options: LockServiceOptions): Promise<void> {
  await using holder = await connectLockService(options);
  await using waiter = await connectLockService(options);
  const [first, second] = names(2) as [string, string];
  const held = await holder.acquire([first, second], { lease: 30_000, renew: false });
  const waiting = Promise.all([first, second].map((name) => waiter.acquire(name, { wait: 20_000 })));
  await waitUntil('two wait', () => waiter.stats().waiting === 2);
  await sleep(200);
  await held.release();
  for (const lease of await waiting) await lease.release();
}

describeWithRedisServer('a cluster of one shard behind the options for one server', () => {
  let shards: RedisCluster[];
  let replicated: RedisCluster;
  let client: Redis;

  beforeAll(async () => {
    shards = await Promise.all([1, 2, 3].map(() => RedisCluster.start({ masters: 1, replicas: 0 })));
    replicated = await RedisCluster.start({ masters: 1, replicas: 1 });
    client = new Redis(urlOf(shards[0]!), { disconnectTimeout: 50 });
  }, 60_000);
  afterAll(async () => {
    client.disconnect();
    await Promise.all([...shards, replicated].map((each) => each.stop()));
  });

  const urlOf = (cluster: RedisCluster): string => cluster.servers[0]!.url;
  const WAYS: [string, () => LockServiceOptions][] = [
    ['url', () => ({ url: urlOf(shards[0]!) })],
    ['redis', () => ({ redis: { port: shards[0]!.servers[0]!.port } })],
    ['client', () => ({ client })],
    ['nodes', () => ({ quorum: shards.map(urlOf), restartGuard: 0 })],
    ['url with minReplicas', () => ({ url: urlOf(replicated), minReplicas: 1 })],
  ];

  it.each(WAYS)('takes, renews and releases many locks at once (%s)', async (_way, options) => {
    await using locks = await connectLockService({ ...options(), lease: LEASE_MS });
    const keys = await useManyAtOnce(locks);
    for (const key of keys) {
      for (const shard of [...shards, replicated]) expect(await shard.members[0]!.admin.exists(key)).toBe(0);
    }
  });

  it.each(WAYS)("does so from the first request on with startup: 'background' (%s)", async (_way, options) => {
    await using locks = createLockService({ ...options(), lease: LEASE_MS });
    await useManyAtOnce(locks);
  });

  it.each(WAYS)('notifies waiters (%s)', (_way, options) => wakeEachOther(options()));

  it('puts locks of one hash slot into one request', async () => {
    await using locks = await connectLockService({ url: urlOf(shards[0]!) });
    const tag = uniqueName('tag');
    const tagged = names(4).map((name) => `{${tag}}${name}`);
    const { admin } = shards[0]!.members[0]!;
    const before = await commandStats(admin);
    const leases = await Promise.all(tagged.map((name) => locks.acquire(name)));
    expect(commandsBetween(before, await commandStats(admin)).get('evalsha')).toBe(1);
    await Promise.all(leases.map((lease) => lease.release()));
  });

  it('rejects names whose keys are in different hash slots, as on any cluster', async () => {
    await using locks = await connectLockService({ url: urlOf(shards[0]!) });
    for (const bad of ['a}b', '{a', 'a{}', '{}a']) {
      await expect(locks.acquire(bad, { wait: 0 })).rejects.toBeInstanceOf(LockNameError);
      await expect(locks.inspect(bad)).rejects.toBeInstanceOf(LockNameError);
    }
  });

  it('works when it replaces another server while the service runs', async () => {
    await using server = await RedisServer.startWith({ port: await freeClusterPort() });
    await using locks = await connectLockService({ url: server.url, lease: LEASE_MS });
    await useManyAtOnce(locks);
    await server.restart('--cluster-enabled', 'yes');
    const admin = server.client();
    await admin.call('CLUSTER', 'ADDSLOTS', ...ALL_SLOTS);
    await waitUntil('the cluster is up', async () => (await admin.cluster('INFO')).includes('cluster_state:ok'));
    await waitUntil('the service is connected again', () =>
      locks.withLock(uniqueName(), () => true, { wait: 0 }).catch(() => false),
    );
    await useManyAtOnce(locks);
  }, 60_000);
});

describeWithRedisServer('a cluster of several shards behind the options for one server', () => {
  let cluster: RedisCluster;
  beforeAll(async () => {
    cluster = await RedisCluster.start({ masters: 3, replicas: 0 });
  }, 60_000);
  afterAll(() => cluster.stop());

  it.each([
    ['url', () => ({ url: cluster.servers[0]!.url })],
    ['redis', () => ({ redis: { port: cluster.servers[1]!.port } })],
    ['client', () => ({ client: cluster.members[2]!.admin })],
    ['nodes', () => ({ quorum: cluster.servers.map(({ url }) => url), restartGuard: 0 })],
  ] satisfies [string, () => LockServiceOptions][])(
    'is rejected at start-up, with the option to use (%s)',
    async (_way, options) => {
      const error = await connectLockService(options()).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(LockConfigError);
      expect((error as Error).message).toContain('"cluster"');
    },
  );

  it("is named in the error of a call with startup: 'background'", async () => {
    await using locks = createLockService({ url: cluster.servers[0]!.url, shutdownTimeout: 100 });
    const attempts = await Promise.allSettled(
      names(16).map((name) => locks.acquire(name, { wait: 500, lease: 500, renew: false })),
    );
    const errors = attempts.filter((attempt) => attempt.status === 'rejected').map(({ reason }) => reason as Error);
    expect(errors.length).toBeGreaterThan(0);
    for (const error of errors) expect(error.message).toContain('"cluster"');
  });
});

describeWithRedisServer('a proxy that routes by key', () => {
  let servers: RedisServer[];
  beforeAll(async () => {
    servers = await Promise.all([1, 2].map(() => RedisServer.start()));
  });
  afterAll(() => Promise.all(servers.map((server) => server.stop())));

  it.each([
    ['answers CROSSSLOT', { crossServerError: "CROSSSLOT Keys in request don't hash to the same slot" }],
    ['rejects keys of several servers in its own words', { crossServerError: 'ERR keys are on several shards' }],
    ['looks at the first key only', {}],
  ])('and %s: each lock is on the server of its key', async (_what, options) => {
    await using proxy = await RoutingProxy.start(
      servers.map(({ url }) => url),
      options,
    );
    await using locks = await connectLockService({ url: proxy.url, lease: LEASE_MS });
    await using others = createLockService({ url: proxy.url, lease: LEASE_MS });
    const many = names(12);
    const leases = await Promise.all(many.map((name) => locks.acquire(name)));
    // Alone, each request goes to the server of its key.
    for (const name of many) expect(await others.tryAcquire(name)).toBeNull();
    await Promise.all(leases.map((lease) => lease.release()));
    const again = await Promise.all(many.map((name) => others.acquire(name, { wait: 1_000 })));
    for (const name of many) expect(await locks.tryAcquire(name)).toBeNull();
    await Promise.all(again.map((lease) => lease.release()));
    for (const server of servers) expect(await server.client().keys('lock:*')).toEqual([]);
  });
});
