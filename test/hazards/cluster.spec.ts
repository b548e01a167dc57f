import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { Cluster } from 'ioredis';
import { connectLockService, LockNameError, LockUnavailableError, type LockService } from 'nestjs-redis-lock';
import { commandsBetween, commandStats, type CommandCounts } from '../support/command-stats.js';
import { itSince7 } from '../support/describe-unless.js';
import { lockKey, noticeChannel } from '../support/lock-keys.js';
import { RedisCluster } from '../support/redis-cluster.js';
import { describeWithRedisServer } from '../support/redis-server.js';
import { untilSubscribed } from '../support/subscribers.js';
import { uniqueName } from '../support/test-redis.js';
import { untilIdle } from '../support/until-idle.js';
import { waitUntil } from '../support/wait-until.js';

describeWithRedisServer('on a cluster', () => {
  let cluster: RedisCluster;
  let name: string;

  beforeAll(async () => {
    cluster = await RedisCluster.start();
  }, 60_000);
  beforeEach(async () => {
    name = uniqueName('cluster');
    await cluster.untilReady();
  }, 60_000);
  afterAll(() => cluster.stop());

  const open = (): Promise<LockService> => connectLockService({ cluster: { nodes: cluster.nodes } });
  const counts = async (): Promise<CommandCounts[]> =>
    Promise.all((await cluster.masters()).map(({ admin }) => commandStats(admin)));
  const untilListening = async (): Promise<void> =>
    untilSubscribed((await cluster.masterOf(lockKey(name))).admin, name);
  const elsewhere = async () => {
    const owner = await cluster.masterOf(lockKey(name));
    return (await cluster.masters()).find((node) => node !== owner)!;
  };

  it('acquires and releases a single lock with two requests', async () => {
    await using locks = await open();
    await locks.withLock(name, () => undefined);
    const before = await counts();
    await locks.withLock(name, () => undefined);
    const after = await counts();
    const sent = after.map((each, index) => commandsBetween(before[index]!, each).get('evalsha') ?? 0);
    expect(sent.reduce((sum, one) => sum + one, 0)).toBe(2);
    expect(sent.filter((one) => one > 0)).toHaveLength(1);
  });

  it('grants a lock once the replica of its master has it, with few WAITs for many slots', async () => {
    // A replica gets the stream of writes only after its first acknowledgement, which may take it a second.
    for (const { admin } of await cluster.masters()) await waitUntil('it acknowledges', () => admin.wait(1, 1_000));
    await using locks = await connectLockService({ cluster: { nodes: cluster.nodes }, minReplicas: 1 });
    await locks.withLock(name, () => undefined);
    const before = await counts();
    const names = Array.from({ length: 60 }, (_, index) => `${name}:${index}`);
    const leases = await Promise.all(names.map((each) => locks.acquire(each)));
    const waits = (await counts()).map((each, index) => commandsBetween(before[index]!, each).get('wait') ?? 0);
    await Promise.all(leases.map((lease) => lease.release()));
    expect(waits.reduce((sum, one) => sum + one, 0)).toBeLessThan(20);

    const [replica] = await cluster.replicasOf(lockKey(name));
    replica!.server.freeze();
    try {
      await expect(locks.acquire(name, { wait: 0 })).rejects.toMatchObject({ code: 'LOCK_UNAVAILABLE' });
      expect((await locks.inspect(name)).held).toBe(false);
    } finally {
      replica!.server.thaw();
    }
    await locks.withLock(name, () => undefined);
    await untilIdle(locks);
  });

  // Node warned of too many listeners; a warning fails the run.
  it('waits for many names at once on one new connection', async () => {
    const names = Array.from({ length: 60 }, (_, index) => `${name}:${index}`);
    await using holder = await open();
    await using waiter = await open();
    const held = await Promise.all(names.map((each) => holder.acquire(each)));
    const waiting = Promise.all(names.map((each) => waiter.withLock(each, () => each)));
    await sleep(200);
    await Promise.all(held.map((lease) => lease.release()));
    expect(await waiting).toEqual(names);
  });

  it('refuses names whose keys would be in different slots', async () => {
    await using locks = await open();
    for (const bad of ['a}b', '{a', 'a{}', '{}a']) {
      await expect(locks.acquire(bad)).rejects.toBeInstanceOf(LockNameError);
      await expect(locks.inspect(bad)).rejects.toBeInstanceOf(LockNameError);
      await expect(locks.forceRelease(bad)).rejects.toBeInstanceOf(LockNameError);
    }
    for (const good of ['{a}b', 'a{b}c}', 'ä{{b}']) await locks.withLock(good, () => undefined);
    await untilIdle(locks);
  });

  it.each(['own', 'caller'] as const)(
    'renews, releases and notifies during and after the move of a slot (the %s client)',
    async (whose) => {
      const client = new Cluster(cluster.nodes, { redisOptions: { disconnectTimeout: 50 } });
      await using holder = await (whose === 'own' ? open() : connectLockService({ client }));
      await using locks = await open();
      const slot = await cluster.slotOf(lockKey(name));
      const lease = await holder.acquire(name);
      const waiting = locks.withLock(name, ({ token }) => token, { wait: Infinity });
      await untilListening();
      const migration = await cluster.migration(slot, await elsewhere());
      await migration.begin();
      // The lock is still there, new names of this slot are already over there.
      await lease.extend(30_000);
      await migration.moveKey(lockKey(name));
      // Of the two keys one is here and one there: TRYAGAIN, until the other has moved as well.
      const renewal = waitUntil('it is renewed', () =>
        lease.extend(30_000).then(
          () => true,
          () => false,
        ),
      );
      await sleep(50);
      await migration.moveKeys();
      await renewal;
      await migration.finish();
      lease.assertHeld();
      await untilListening();
      await expect(lease.release()).resolves.toBe('released');
      expect(await waiting).toBeGreaterThan(lease.token);
      await untilIdle(holder, locks);
      client.disconnect();
    },
  );

  it('serves all waiters when the lock is released during a move', async () => {
    await using holder = await open();
    await using locks = await open();
    const slot = await cluster.slotOf(lockKey(name));
    const lease = await holder.acquire(name, { lease: 60_000, renew: false });
    const waiting = locks.withLock(name, () => 'served', { wait: Infinity });
    await untilListening();
    const migration = await cluster.migration(slot, await elsewhere());
    await migration.begin();
    await migration.moveKeys();
    await expect(lease.release()).resolves.toBe('released');
    await migration.finish();
    await expect(waiting).resolves.toBe('served');
    await untilIdle(holder, locks);
  });

  itSince7('unsubscribes the unused channels of other slots when a slot moves', async () => {
    await using holder = await open();
    await using locks = await open();
    const owner = await cluster.masterOf(lockKey(name));
    let other = uniqueName('other');
    while ((await cluster.masterOf(lockKey(other))) !== owner) other = uniqueName('other');
    const leases = await Promise.all([name, other].map((each) => holder.acquire(each)));
    const abort = new AbortController();
    const waits = { wait: Infinity, signal: abort.signal };
    const waiting = Promise.allSettled([name, other].map((each) => locks.acquire(each, waits)));
    const listening = async (): Promise<number> => {
      const reply = (await owner.admin.call('pubsub', 'shardchannels')) as string[];
      return [name, other].filter((each) => reply.includes(noticeChannel(each))).length;
    };
    await waitUntil('they wait', async () => (await listening()) === 2);
    const migration = await cluster.migration(await cluster.slotOf(lockKey(name)), await elsewhere());
    await migration.begin();
    await migration.moveKeys();
    // Channels stay subscribed for a second after the last waiter left. Within it the server takes one of them away.
    abort.abort();
    await waiting;
    await migration.finish();
    await waitUntil('no channel is left', async () => (await listening()) === 0);
    await Promise.all(leases.map((lease) => lease.release()));
    await untilIdle(holder, locks);
  });

  it('continues when a replica replaces a master that still runs', async () => {
    await using holder = await open();
    await using locks = await open();
    const lease = await holder.acquire(name);
    const waiting = locks.withLock(name, () => 'served', { wait: Infinity });
    await untilListening();
    await cluster.failover(lockKey(name));
    await waitUntil('it is renewed', () =>
      lease.extend(30_000).then(
        () => true,
        () => false,
      ),
    );
    await expect(lease.release()).resolves.toBe('released');
    await expect(waiting).resolves.toBe('served');
    await untilIdle(holder, locks);
  });

  it.each(['killed', 'stopped'] as const)(
    'continues after a master was %s, once its replica has taken over',
    async (fate) => {
      await using holder = await open();
      await using locks = await open();
      const lease = await holder.acquire(name, { lease: 600_000, renew: false });
      const waiting = locks.withLock(name, ({ token }) => token, { wait: Infinity });
      await untilListening();
      const old = await cluster.masterOf(lockKey(name));
      const [replica] = await cluster.replicasOf(lockKey(name));
      await waitUntil('the replica has the lock', async () => {
        await replica!.admin.readonly();
        return (await replica!.admin.exists(lockKey(name))) === 1;
      });
      if (fate === 'killed') await old.server.kill();
      else old.server.freeze();
      await cluster.untilNewMaster(lockKey(name), old);
      const fresh = await locks.acquire(`{${lockKey(name)}}other`, { wait: 20_000 });
      await fresh.release();
      await lease.release();
      expect(await waiting).toBeGreaterThan(lease.token);
      if (fate === 'killed') await old.server.restart();
      else old.server.thaw();
      await untilIdle(holder, locks);
    },
    90_000,
  );

  it('is unavailable, not busy, while no node serves a slot', async () => {
    await using locks = await open();
    await locks.withLock(name, () => undefined);
    const slot = await cluster.slotOf(lockKey(name));
    const owner = await cluster.masterOf(slot);
    const others = (await cluster.masters()).filter((node) => node !== owner);
    for (const { admin } of [owner, ...others]) await admin.cluster('DELSLOTS', slot);
    await expect(locks.acquire(name, { wait: 1_000 })).rejects.toBeInstanceOf(LockUnavailableError);
    const waiting = locks.acquire(name, { wait: Infinity });
    for (const { admin } of others) await admin.cluster('SETSLOT', slot, 'NODE', owner.id);
    await owner.admin.cluster('ADDSLOTS', slot).catch(() => undefined);
    await (await waiting).release();
    await untilIdle(locks);
  }, 60_000);
});
