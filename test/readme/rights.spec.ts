import { readFileSync } from 'node:fs';
import { expect, it } from '@jest/globals';
import { connectLockService, lastRun, runOnce, type LockServiceOptions } from 'nestjs-redis-lock';
import { redisVersion } from '../support/redis-program.js';
import { QuorumNodes } from '../support/quorum-nodes.js';
import { RedisCluster } from '../support/redis-cluster.js';
import { describeWithRedisServer, RedisServer } from '../support/redis-server.js';
import { ReplicatedRedis } from '../support/replicated-redis.js';
import { SentinelSet } from '../support/sentinel-set.js';
import { waitUntil } from '../support/wait-until.js';
import { repository, snippetsOf } from './snippets.js';

const permissions = readFileSync(`${repository}lib/docs/permissions.md`, 'utf8');
/** The ACL lines of the guide: for Redis 7.2 and later, 7.0 and 6.2. */
const lines = snippetsOf('lib/docs/permissions.md').map(({ code }) => code.trim());

/** The permissions that the guide lists for a set-up, in addition. */
function also(setUp: string): string[] {
  const item = permissions.split(/^- /m).find((each) => each.startsWith(setUp))!;
  return /`([~+][^`]*)`/.exec(item)![1]!.split(' ');
}

const is62 = RedisServer.available && redisVersion() < 7;
/** Redis 7.2 and later, and Valkey, know CLIENT SETINFO, which ioredis sends. */
const knowsClientInfo = RedisServer.available && redisVersion() >= 7.2;
const ofUser = (): string[] => lines[knowsClientInfo ? 0 : is62 ? 2 : 1]!.split(/\s+/).slice(1);
const ofCluster = (): string[] =>
  also(is62 ? 'each node of a cluster on Redis 6.2' : 'each node of a cluster on Redis 7.0');

const user = { username: 'locks', password: 'password' };

/** Gives every server the user with these permissions, and no others. */
async function letIn(servers: readonly RedisServer[], ...more: string[]): Promise<void> {
  for (const server of servers) await server.client().call('ACL', 'SETUSER', ...ofUser(), ...more);
}

/** Two services use one lock in turn: one waits and is notified by the other. The methods for operators work, too. */
async function takeTurns(options: LockServiceOptions): Promise<void> {
  await using here = await connectLockService({ startupTimeout: 15_000, ...options });
  await using there = await connectLockService({ startupTimeout: 15_000, ...options });
  const lease = await here.acquire('rights', { lease: 30_000, renew: false });
  const waiting = there.acquire('rights', { wait: 20_000 });
  await waitUntil('the other service waits', () => there.stats().waiting === 1);
  await new Promise((resolve) => setTimeout(resolve, 200));
  await lease.extend(30_000);
  expect(await there.inspect('rights')).toMatchObject({ held: true, holder: { pid: process.pid } });
  expect(await lease.release()).toBe('released');
  // Notified by the release: the lease would have lasted longer than the wait.
  const next = await waiting;
  expect(next.token).toBeGreaterThan(lease.token);
  expect(await here.forceRelease('rights')).toBe(true);
  await next.release();
}

/** The requests of this user that the servers refused. */
async function refusals(servers: readonly RedisServer[]): Promise<unknown[]> {
  const logs = await Promise.all(servers.map((server) => server.client().call('ACL', 'LOG') as Promise<unknown[]>));
  // Redis 6.2 has no permission for CLIENT SETINFO alone.
  return logs.flat().filter((entry) => !(is62 && String(entry).includes('object,client,')));
}

it("the README has the guide's line for Redis 7.2, and names what to leave out on earlier versions", () => {
  const [line] = snippetsOf('README.md').filter(({ code }) => code.startsWith('user locks'));
  expect(line!.code.trim()).toBe(lines[0]);
  expect(lines[0]!.replace(' +client|setinfo', '')).toBe(lines[1]);
  expect(lines[1]!.replace(' +quit', '')).toBe(lines[2]);
});

describeWithRedisServer('the permissions that the guide lists are sufficient', () => {
  it('on one Redis', async () => {
    await using server = await RedisServer.start();
    await letIn([server]);
    await takeTurns({ url: `redis://locks:password@127.0.0.1:${server.port}` });
    expect(await refusals([server])).toEqual([]);
  });

  it('for jobs that run once', async () => {
    await using server = await RedisServer.start();
    await letIn([server]);
    await using locks = await connectLockService({ url: `redis://locks:password@127.0.0.1:${server.port}` });
    await expect(runOnce(locks, 'job', () => 1, { window: 1_000 })).rejects.toThrow('NOPERM');
    await server.client().call('ACL', 'LOG', 'RESET');
    await letIn([server], ...also('jobs that run once'));
    expect(await runOnce(locks, 'job', () => 1, { window: 1_000 })).toEqual({ ran: true, value: 1 });
    expect(await lastRun(locks, 'job')).toMatchObject({ outcome: 'done' });
    expect(await refusals([server])).toEqual([]);
  });

  it('for fair locks', async () => {
    await using server = await RedisServer.start();
    await letIn([server]);
    await using locks = await connectLockService({ url: `redis://locks:password@127.0.0.1:${server.port}` });
    await expect(locks.acquire('rights', { mode: 'fair' })).rejects.toMatchObject({ code: 'LOCK_UNAVAILABLE' });
    await server.client().call('ACL', 'LOG', 'RESET');
    await letIn([server], ...also('fair locks'));
    const held = await locks.acquire('rights', { mode: 'fair' });
    // A thread of Redisson, and a waiter whose place it has dropped.
    const [queue, deadlines] = ['redisson_lock_queue:{lock:rights}', 'redisson_lock_timeout:{lock:rights}'];
    await server.client().rpush(queue, 'java:1');
    await server.client().zadd(deadlines, 2 * Date.now(), 'java:1');
    const waiting = locks.acquire('rights', { mode: 'fair', wait: 20_000 });
    await waitUntil('it has a place', async () => (await server.client().llen(queue)) === 2);
    await server
      .client()
      .multi()
      .rpop(queue)
      .zrem(deadlines, (await server.client().lindex(queue, 1))!)
      .exec();
    await waitUntil('it has its place again', async () => (await server.client().llen(queue)) === 2);
    await server.client().del(queue, deadlines);
    await held.extend(30_000);
    expect(await held.release()).toBe('released');
    await (await waiting).release();
    expect(await refusals([server])).toEqual([]);
  });

  it('for read-write locks', async () => {
    await using server = await RedisServer.start();
    await letIn([server]);
    await using locks = await connectLockService({ url: `redis://locks:password@127.0.0.1:${server.port}` });
    await using others = await connectLockService({ url: `redis://locks:password@127.0.0.1:${server.port}` });
    await expect(locks.acquire('rights', { mode: 'read' })).rejects.toMatchObject({ code: 'LOCK_UNAVAILABLE' });
    await server.client().call('ACL', 'LOG', 'RESET');
    await letIn([server], ...also('read-write locks'));
    const [one, two] = [
      await locks.acquire('rights', { mode: 'read', holdAtLeast: 10, minReplicas: 0 }),
      await others.acquire('rights', { mode: 'read', lease: 30_000, renew: false }),
    ];
    const waiting = others.acquire('rights', { mode: 'write', wait: 20_000 });
    await waitUntil('the other service waits', () => others.stats().waiting === 1);
    await two.extend(30_000);
    expect(await locks.inspect('rights')).toMatchObject({ mode: 'read', holds: 2 });
    await expect(locks.acquire('rights', { wait: 0 })).rejects.toThrow('is the name of a read-write lock');
    expect(await one.release()).toBe('released');
    expect(await two.release()).toBe('released');
    const write = await waiting;
    await write.extend(30_000);
    expect(await locks.forceRelease('rights')).toBe(true);
    expect(await write.release()).toBe('lost');
    expect(await refusals([server])).toEqual([]);
  });

  it('for latches', async () => {
    await using server = await RedisServer.start();
    await letIn([server]);
    await using locks = await connectLockService({
      url: `redis://locks:password@127.0.0.1:${server.port}`,
      wait: 2_000,
    });
    const latch = locks.latch('rights');
    await expect(latch.trySetCount(2)).rejects.toMatchObject({ code: 'LOCK_UNAVAILABLE' });
    await letIn([server], ...also('latches'));
    await server.client().call('ACL', 'LOG', 'RESET');
    expect(await latch.trySetCount(2)).toBe(true);
    const waiting = latch.wait({ wait: 20_000 });
    await waitUntil('it waits', () => locks.stats().waiting === 1);
    await latch.countDown();
    expect(await latch.count()).toBe(1);
    await latch.countDown();
    await waiting;
    // The permissions of semaphores are not needed, but asked for.
    expect(await refusals([server])).toEqual([]);
  });

  it('for semaphores', async () => {
    await using server = await RedisServer.start();
    await letIn([server]);
    await using locks = await connectLockService({ url: `redis://locks:password@127.0.0.1:${server.port}` });
    await using others = await connectLockService({ url: `redis://locks:password@127.0.0.1:${server.port}` });
    const semaphore = locks.semaphore('rights', { permits: 2 });
    await expect(semaphore.acquire()).rejects.toMatchObject({ code: 'LOCK_UNAVAILABLE' });
    await server.client().call('ACL', 'LOG', 'RESET');
    await letIn([server], ...also('semaphores'));
    const lease = await semaphore.acquire({ take: 2, lease: 30_000, renew: false });
    const waiting = others.semaphore('rights', { permits: 2 }).acquire({ take: 2, wait: 20_000 });
    await waitUntil('the other service waits', () => others.stats().waiting === 1);
    await lease.extend(30_000);
    expect(await semaphore.inspect()).toMatchObject({ held: 2 });
    await expect(others.acquire('rights')).rejects.toMatchObject({ code: 'LOCK_CONFIG' });
    await lease.release();
    await (await waiting).release();
    expect(await refusals([server])).toEqual([]);
  });

  it('with minReplicas', async () => {
    await using set = await ReplicatedRedis.start(1);
    await letIn(set.servers);
    const options = { redis: { ...user, port: set.master.port }, minReplicas: 1 };
    await expect(takeTurns(options)).rejects.toMatchObject({ code: 'LOCK_UNAVAILABLE' });
    await set.master.client().call('ACL', 'LOG', 'RESET');
    await letIn(set.servers, ...also('`minReplicas`'));
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
    await letIn(nodes.servers, ...also('each node of a `quorum`'));
    await using locks = await connectLockService({ quorum: urls, lease: 1_000, restartGuard: 1_000 });
    await locks.withLock('guarded', () => undefined);
    expect(await refusals(nodes.servers)).toEqual([]);
  });
});
