import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { Cluster } from 'ioredis';
import { connectLockService, type Lease, type LockService, type LockServiceOptions } from 'nestjs-redis-lock';
import { lockKey, tokenKey } from '../support/lock-keys.js';
import { RedisCluster } from '../support/redis-cluster.js';
import { describeWithRedisServer } from '../support/redis-server.js';
import type { SlotMigration } from '../support/slot-migration.js';
import { uniqueName } from '../support/test-redis.js';
import { untilIdle } from '../support/until-idle.js';
import { waitUntil } from '../support/wait-until.js';

const LEASE_MS = 3_000;
/** ioredis's Cluster repeats a call for more than a second when a server has only some of its keys. */
const LONGER_MS = 15_000;

/** How long permits are kept after their call, in ms. */
const KEPT_MS = 1_000;

/** Which keys of the lock are on the new master while the slot goes on moving. */
const MOVED = {
  nothing: () => [],
  'the lock': (name: string) => [lockKey(name)],
  'the token': (name: string) => [tokenKey(name)],
  'the lock and the token': (name: string) => [lockKey(name), tokenKey(name)],
};

/** With them, a lock is kept for longer than its first lease. */
const CLIENTS = ['own', 'caller', 'minReplicas'] as const;

describeWithRedisServer('a lock that is held while its slot moves', () => {
  let cluster: RedisCluster;
  let name: string;
  let client: Cluster;

  beforeAll(async () => {
    cluster = await RedisCluster.start();
    client = new Cluster(cluster.nodes, { redisOptions: { disconnectTimeout: 50 } });
    for (const { admin } of await cluster.masters()) {
      // A replica gets the stream of writes only after its first acknowledgement, which may take it a second.
      await waitUntil('it acknowledges', () => admin.wait(1, 1_000));
    }
  }, 60_000);
  beforeEach(() => {
    name = uniqueName('moving');
  });
  afterAll(async () => {
    client.disconnect();
    await cluster.stop();
  });

  const open = (which: (typeof CLIENTS)[number], leaseMs = LEASE_MS): Promise<LockService> => {
    const where: LockServiceOptions = which === 'caller' ? { client } : { cluster: { nodes: cluster.nodes } };
    return connectLockService({ ...where, lease: leaseMs, minReplicas: which === 'minReplicas' ? 1 : 0 });
  };

  async function beginMove(...keys: string[]): Promise<SlotMigration> {
    const slot = await cluster.slotOf(lockKey(name));
    const owner = await cluster.masterOf(slot);
    const other = (await cluster.masters()).find((node) => node !== owner)!;
    const migration = await cluster.migration(slot, other);
    await migration.begin();
    if (keys.length > 0) await migration.moveKey(...keys);
    return migration;
  }

  const untilRenewed = async (lease: Lease, leaseMs: number): Promise<void> => {
    const due = 0.7 * leaseMs;
    await waitUntil('a renewal is due', () => lease.signal.aborted || lease.remaining() < due);
    await waitUntil('it is renewed', () => lease.signal.aborted || lease.remaining() > due, leaseMs);
  };

  /** The first lease and its first renewal are over then. */
  const untilRenewedTwice = async (lease: Lease): Promise<void> => {
    await untilRenewed(lease, LEASE_MS);
    await untilRenewed(lease, LEASE_MS);
  };

  for (const which of CLIENTS) {
    it.each(Object.entries(MOVED))(`is kept although %s has moved (${which})`, async (_what, keysOf) => {
      await using locks = await open(which);
      const lease = await locks.acquire(name);
      const migration = await beginMove(...keysOf(name));
      await untilRenewedTwice(lease);
      expect(lease.signal.aborted).toBe(false);
      await lease.extend(LEASE_MS);
      expect((await locks.inspect(name)).held).toBe(true);
      await migration.finish();
      await untilRenewedTwice(lease);
      await expect(lease.release()).resolves.toBe('released');
      await untilIdle(locks);
    });

    it(`is kept when only some locks of its slot have moved (${which})`, async () => {
      await using locks = await open(which, LONGER_MS);
      const names = [1, 2, 3, 4].map((index) => `{${lockKey(name)}}${index}`);
      const leases = await Promise.all(names.map((each) => locks.acquire(each)));
      const [first, , third] = names as [string, string, string];
      const migration = await beginMove(lockKey(first), lockKey(third));
      await Promise.all(leases.map((lease) => untilRenewed(lease, LONGER_MS)));
      await migration.finish();
      expect(await Promise.all(leases.map((lease) => lease.release()))).toEqual(names.map(() => 'released'));
      await untilIdle(locks);
    });
  }

  it.each([
    ['is returned', [1]],
    ['ends by itself', [1]],
    ['ends by itself, before one that wants all and one that wants one', [2, 1]],
  ])('leaves a semaphore whole whose last permit %s', async (how, takes) => {
    await using locks = await open('own', LONGER_MS);
    await using others = await open('own', LONGER_MS);
    const [here, there] = [locks, others].map((each) => each.semaphore(name, { permits: 2 }));
    const lease = await here!.acquire({ take: 2, holdAtLeast: how === 'is returned' ? 0 : KEPT_MS });
    if (how !== 'is returned') await lease.release();
    const migration = await beginMove();
    const waiting = takes.map((take) => there!.acquire({ take, wait: Infinity }));
    await waitUntil('they wait', () => others.stats().waiting === takes.length);
    expect(await lease.release()).toBe('released');
    // They ask while the slot moves.
    await sleep(1.5 * KEPT_MS);
    await migration.finish();
    for (const next of waiting) await (await next).release();
    expect(await here!.inspect()).toMatchObject({ permits: 2, available: 2, held: 0 });
    await untilIdle(locks, others);
    const { admin } = await cluster.masterOf(lockKey(name));
    expect(await admin.get(lockKey(name))).toBe('2');
  });

  it('reports its token again once both keys are on one master', async () => {
    await using locks = await open('own');
    const lease = await locks.acquire(name);
    const migration = await beginMove(lockKey(name));
    expect(await locks.inspect(name)).toMatchObject({ held: true, token: undefined });
    await migration.finish();
    expect((await locks.inspect(name)).token).toBeGreaterThanOrEqual(lease.token);
    const later = waitUntil('the next token', () => locks.withLock(name, ({ token }) => token));
    await lease.release();
    expect(await later).toBeGreaterThan(lease.token);
  });

  it('keeps its token key for as long as it is renewed', async () => {
    await using locks = await connectLockService({
      cluster: { nodes: cluster.nodes },
      lease: LEASE_MS,
      tokenTtl: 600_000,
    });
    const lease = await locks.acquire(name);
    const { admin } = await cluster.masterOf(lockKey(name));
    await admin.pexpire(tokenKey(name), 60_000);
    await lease.extend(LEASE_MS);
    expect(await admin.pttl(tokenKey(name))).toBeGreaterThan(60_000);
    await lease.release();
  });
});
