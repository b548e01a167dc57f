import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { connectLockService, type LockService, type LockSettings } from 'nestjs-redis-lock';
import { lockKey } from '../support/lock-keys.js';
import { describeWithRedisServer, type RedisServer } from '../support/redis-server.js';
import { SentinelSet } from '../support/sentinel-set.js';
import { uniqueName } from '../support/test-redis.js';
import { untilIdle } from '../support/until-idle.js';
import { waitUntil } from '../support/wait-until.js';
import { FencedResource } from '../support/witness.js';

describeWithRedisServer('a failover by Sentinel', () => {
  let set: SentinelSet;
  let name: string;

  beforeEach(async () => {
    set = await SentinelSet.start({ replicas: 1 });
    name = uniqueName('failover');
  });
  afterEach(() => set.stop());

  const open = (more: LockSettings = {}): Promise<LockService> =>
    connectLockService({ redis: { sentinels: set.sentinels, name: set.name }, ...more });

  const lose = {
    killed: (server: RedisServer) => server.kill(),
    stopped: (server: RedisServer) => {
      server.freeze();
      return Promise.resolve();
    },
  };

  it.each(['killed', 'stopped'] as const)('after the master was %s serves on within `wait`', async (fate) => {
    await using locks = await open();
    const before = await locks.acquire(name);
    await before.release();
    const old = await set.master();
    await lose[fate](old);
    const lease = await locks.acquire(name, { wait: 25_000 });
    expect(lease.token).toBeGreaterThan(before.token);
    await expect(lease.release()).resolves.toBe('released');
    if (fate === 'stopped') old.thaw();
    await untilIdle(locks);
  });

  it.each(['killed', 'stopped'] as const)('keeps a lock that was replicated, when the master is %s', async (fate) => {
    await using locks = await open({ lease: 20_000 });
    await using others = await open();
    const lease = await locks.acquire(name);
    await waitUntil('the replica has it', async () => {
      const [replica] = await set.replicas();
      return (await replica!.client().exists(lockKey(name))) === 1;
    });
    const old = await set.master();
    await lose[fate](old);
    await waitUntil('the lock can be seen again', () =>
      others.inspect(name).then(
        ({ held }) => held,
        () => false,
      ),
    );
    expect(
      await waitUntil('somebody tries', () =>
        others.tryAcquire(name).then(
          (got) => got ?? 'taken',
          () => '',
        ),
      ),
    ).toBe('taken');
    await waitUntil('it was renewed', () =>
      lease.extend(20_000).then(
        () => true,
        () => false,
      ),
    );
    lease.assertHeld();
    await expect(lease.release()).resolves.toBe('released');
    if (fate === 'stopped') old.thaw();
    await untilIdle(locks, others);
  });

  it.each(['killed', 'stopped'] as const)('wakes who waited when the master was %s', async (fate) => {
    // The holder's lease is so long that only a notice, or another look after the failover, can end the waiting.
    await using holder = await open({ lease: 60_000 });
    await using locks = await open();
    const lease = await holder.acquire(name);
    await waitUntil('the replica has it', async () => {
      const [replica] = await set.replicas();
      return (await replica!.client().exists(lockKey(name))) === 1;
    });
    const waiting = locks.acquire(name, { wait: Infinity });
    await waitUntil('it waits', () => locks.stats().waiting === 1);
    await sleep(100);
    const old = await set.master();
    await lose[fate](old);
    await set.untilNewMaster(old);
    await lease.release();
    const next = await waiting;
    expect(next.token).toBeGreaterThan(lease.token);
    await next.release();
    if (fate === 'stopped') old.thaw();
    await untilIdle(holder, locks);
  });

  it('that lost the lock lets two hold it, and the token tells them apart', async () => {
    await using holder = await open({ lease: 60_000 });
    await using locks = await open();
    const resource = new FencedResource();
    for (let round = 0; round < 3; round += 1) await (await holder.acquire(name)).release();
    const [replica] = await set.replicas();
    const old = await set.master();
    // The replica gets nothing more, the lock and its token included.
    replica!.freeze();
    await old.client().call('client', 'kill', 'type', 'replica');
    const lease = await holder.acquire(name);
    expect(resource.write(lease.token, 'first')).toBe(true);
    await old.kill();
    replica!.thaw();
    const next = await locks.acquire(name, { wait: 25_000 });
    expect(lease.signal.aborted).toBe(false);
    expect(next.token).toBeGreaterThan(lease.token);
    expect(resource.write(next.token, 'second')).toBe(true);
    expect(resource.write(lease.token, 'stale')).toBe(false);
    await next.release();
    await lease.release();
    await untilIdle(holder, locks);
  });
});
