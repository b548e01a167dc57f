import { expect, it } from '@jest/globals';
import { connectLockService, type LockServiceOptions } from 'nestjs-redis-lock';
import { redisVersion } from '../support/redis-program.js';
import { QuorumNodes } from '../support/quorum-nodes.js';
import { RedisCluster } from '../support/redis-cluster.js';
import { describeWithRedisServer, RedisServer } from '../support/redis-server.js';
import { ReplicatedRedis } from '../support/replicated-redis.js';
import { SentinelSet } from '../support/sentinel-set.js';
import { waitUntil } from '../support/wait-until.js';
import { readmeSnippets } from './snippets.js';

/** The words after the first one of the README's `index`-th text block that begins with `first`. */
function rights(first: string, index = 0): string[] {
  const blocks = readmeSnippets().filter(({ language, code }) => language === 'text' && code.startsWith(`${first} `));
  return blocks[index]!.code.trim().split(/\s+/).slice(1);
}

const is62 = RedisServer.available && redisVersion() < 7;
/** Redis 7.2 and later, and Valkey, know CLIENT SETINFO, which ioredis sends. */
const knowsClientInfo = RedisServer.available && redisVersion() >= 7.2;
const ofUser = (): string[] => rights('user locks', knowsClientInfo ? 1 : is62 ? 2 : 0);
const ofCluster = (): string[] => rights(is62 ? 'cluster-6.2' : 'cluster');

const user = { username: 'locks', password: 'password' };

/** Gives every server the user with these rights, and no others. */
async function letIn(servers: readonly RedisServer[], ...more: string[]): Promise<void> {
  for (const server of servers) await server.client().call('ACL', 'SETUSER', ...ofUser(), ...more);
}

/** Two services take turns under one lock: one waits and is woken by the other; what operators do works, too. */
async function takeTurns(options: LockServiceOptions): Promise<void> {
  await using here = await connectLockService({ startupTimeout: 15_000, ...options });
  await using there = await connectLockService({ startupTimeout: 15_000, ...options });
  const lease = await here.acquire('rights', { lease: 30_000, renew: false });
  const waiting = there.acquire('rights', { wait: 20_000 });
  await waitUntil('the other one waits', () => there.stats().waiting === 1);
  await new Promise((resolve) => setTimeout(resolve, 200));
  await lease.extend(30_000);
  expect((await there.inspect('rights')).held).toBe(true);
  expect(await lease.release()).toBe('released');
  // Woken by a notice: the lease would have lasted longer than it waits.
  const next = await waiting;
  expect(next.token).toBeGreaterThan(lease.token);
  expect(await here.forceRelease('rights')).toBe(true);
  await next.release();
}

/** What the servers refused to this user. */
async function refusals(servers: readonly RedisServer[]): Promise<unknown[]> {
  const logs = await Promise.all(servers.map((server) => server.client().call('ACL', 'LOG') as Promise<unknown[]>));
  // Redis 6.2 has no permission for CLIENT SETINFO alone.
  return logs.flat().filter((entry) => !(is62 && String(entry).includes('object,client,')));
}

describeWithRedisServer('the rights that the README names are enough', () => {
  it('on one Redis', async () => {
    await using server = await RedisServer.start();
    await letIn([server]);
    await takeTurns({ url: `redis://locks:password@127.0.0.1:${server.port}` });
    expect(await refusals([server])).toEqual([]);
  });

  it('with minReplicas', async () => {
    await using set = await ReplicatedRedis.start(1);
    await letIn(set.servers);
    const options = { redis: { ...user, port: set.master.port }, minReplicas: 1 };
    await expect(takeTurns(options)).rejects.toMatchObject({ code: 'LOCK_UNAVAILABLE' });
    await set.master.client().call('ACL', 'LOG', 'RESET');
    await letIn(set.servers, ...rights('minReplicas'));
    await takeTurns(options);
    expect(await refusals(set.servers)).toEqual([]);
  });

  it('behind Sentinel', async () => {
    await using set = await SentinelSet.start({ replicas: 1 });
    await letIn(set.servers);
    await takeTurns({ redis: { ...user, sentinels: set.sentinels, name: set.name } });
    expect(await refusals(set.servers)).toEqual([]);
  });

  it('on a cluster', async () => {
    await using cluster = await RedisCluster.start({ replicas: 0 });
    await letIn(cluster.servers, ...ofCluster());
    await takeTurns({ cluster: { nodes: cluster.nodes, options: { redisOptions: user } } });
    expect(await refusals(cluster.servers)).toEqual([]);
  });

  it('on each of several nodes', async () => {
    await using nodes = await QuorumNodes.start(3);
    await letIn(nodes.servers);
    const urls = nodes.servers.map(({ port }) => `redis://locks:password@127.0.0.1:${port}`);
    await takeTurns({ quorum: urls, lease: 30_000, restartGuard: 0 });
    expect(await refusals(nodes.servers)).toEqual([]);
    await letIn(nodes.servers, ...rights('nodes'));
    await using locks = await connectLockService({ quorum: urls, lease: 1_000, restartGuard: 1_000 });
    await locks.withLock('guarded', () => undefined);
    expect(await refusals(nodes.servers)).toEqual([]);
  });
});
