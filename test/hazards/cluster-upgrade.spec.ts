import { afterEach, beforeEach, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { connectLockService, type LockService } from 'nestjs-redis-lock';
import { describeUnless } from '../support/describe-unless.js';
import { lockKey, noticeChannel } from '../support/lock-keys.js';
import { RedisCluster, type ClusterNode } from '../support/redis-cluster.js';
import { redisVersion } from '../support/redis-program.js';
import { noRedisServer } from '../support/redis-server.js';
import { uniqueName } from '../support/test-redis.js';
import { untilIdle } from '../support/until-idle.js';
import { waitUntil } from '../support/wait-until.js';

/** A server of Redis 6.2, as far as notifications are concerned. */
const OLD = ['SPUBLISH', 'SSUBSCRIBE', 'SUNSUBSCRIBE'].flatMap((command) => ['--rename-command', command, '']);

const KINDS = ['numsub', 'shardnumsub'] as const;
type Kind = (typeof KINDS)[number];

const noSharded = noRedisServer ?? (redisVersion() < 7 ? 'this server has no sharded channels' : undefined);

/** On which kind of channel of which node the name is listened to: `0 numsub`. */
async function listening(cluster: RedisCluster, name: string): Promise<string[]> {
  const found: string[] = [];
  for (const [index, { admin }] of cluster.members.entries()) {
    for (const kind of KINDS) {
      const [, count] = (await admin.call('pubsub', kind, noticeChannel(name))) as [string, number];
      for (let each = 0; each < count; each += 1) found.push(`${index} ${kind}`);
    }
  }
  return found;
}

/** Which kinds of channel of this node get a message from now on. */
async function witness(admin: Redis, kind: Kind, name: string): Promise<string[]> {
  const got: string[] = [];
  const subscriber = admin.duplicate({ lazyConnect: false });
  const channel = noticeChannel(name);
  subscriber.on('message', () => got.push('numsub'));
  subscriber.on('smessage', () => got.push('shardnumsub'));
  await (kind === 'numsub' ? subscriber.subscribe(channel) : subscriber.ssubscribe(channel));
  witnesses.push(subscriber);
  return got;
}

let witnesses: Redis[] = [];

describeUnless(noSharded, 'a cluster that is upgraded node by node', () => {
  let cluster: RedisCluster;
  let early: LockService;
  let earlier: LockService;

  const open = (): Promise<LockService> => connectLockService({ cluster: { nodes: cluster.nodes } });

  beforeEach(async () => {
    witnesses = [];
    cluster = await RedisCluster.start({ replicas: 0 });
    for (const { server } of cluster.members) await server.restart(...OLD);
    await cluster.untilReady();
    [early, earlier] = await Promise.all([open(), open()]);
  }, 60_000);
  afterEach(async () => {
    for (const subscriber of witnesses) subscriber.disconnect();
    await Promise.all([early.close(), earlier.close()]);
    await cluster.stop();
  });

  async function upgrade(...nodes: ClusterNode[]): Promise<void> {
    for (const { server } of nodes) await server.restart();
    await cluster.untilReady();
  }

  async function nameOn(node: ClusterNode): Promise<string> {
    for (;;) {
      const name = uniqueName('upgrade');
      if ((await cluster.masterOf(lockKey(name))) === node) return name;
    }
  }

  /** The waiter listens where the release of the holder is heard. */
  async function meet(holder: LockService, waiter: LockService, node: ClusterNode, kind: Kind): Promise<void> {
    const name = await nameOn(node);
    const lease = await holder.acquire(name, { lease: 60_000, renew: false, wait: 20_000 });
    const waiting = waiter.acquire(name, { wait: Infinity });
    const place = `${String(cluster.members.indexOf(node))} ${kind}`;
    await waitUntil('the waiter listens', async () => (await listening(cluster, name)).length > 0);
    expect(await listening(cluster, name)).toEqual([place]);
    const got = await witness(node.admin, kind, name);
    await expect(lease.release()).resolves.toBe('released');
    await waitUntil('the release is heard', () => got.length > 0);
    expect(got).toEqual([kind]);
    await (await waiting).release();
  }

  it('notifies waiters on old and on upgraded nodes', async () => {
    const [first, second] = cluster.members as [ClusterNode, ClusterNode];
    await meet(earlier, early, first, 'numsub');
    await upgrade(second);
    const late = await open();
    for (const [holder, waiter] of [
      [early, late],
      [late, early],
    ] as const) {
      await meet(holder, waiter, first, 'numsub');
      await meet(holder, waiter, second, 'shardnumsub');
    }
    await untilIdle(early, late);
    await late.close();
  }, 60_000);

  it('lets services that started before and after the upgrade notify each other', async () => {
    const [first] = cluster.members as [ClusterNode];
    await meet(earlier, early, first, 'numsub');
    await upgrade(...cluster.members);
    await using late = await open();
    await meet(early, late, first, 'shardnumsub');
    await meet(late, early, first, 'shardnumsub');
    await untilIdle(early, late);
  }, 60_000);

  it('notifies a waiter that subscribed before the upgrade of its node', async () => {
    const [first] = cluster.members as [ClusterNode];
    const name = await nameOn(first);
    const gone = await earlier.acquire(name, { lease: 60_000, renew: false });
    const waiting = early.acquire(name, { wait: Infinity });
    await waitUntil('it listens', async () => (await listening(cluster, name)).includes('0 numsub'));
    await upgrade(first);
    // The node has lost the lock with its memory.
    await (await waiting).release();
    await gone.release();
    await meet(earlier, early, first, 'shardnumsub');
  }, 60_000);
});
