import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { connectLockService, type LockService } from 'nestjs-redis-lock';
import { KeepingNetwork, type KeptConnection } from '../support/keeping-network.js';
import { lockKey } from '../support/lock-keys.js';
import { QuorumNodes } from '../support/quorum-nodes.js';
import { redisClient, testRedisUrl, uniqueName } from '../support/test-redis.js';
import { waitUntil } from '../support/wait-until.js';

describe('an acquire that arrives after its connection was replaced', () => {
  let network: KeepingNetwork;
  let admin: Redis;
  let name: string;

  beforeEach(async () => {
    network = await KeepingNetwork.start(testRedisUrl());
    admin = redisClient();
    name = uniqueName('outlives');
  });
  afterEach(async () => {
    admin.disconnect();
    await network[Symbol.asyncDispose]();
  });

  const taken = async (): Promise<boolean> => (await admin.exists(lockKey(name))) === 1;

  /** Delivers what was kept, and sees the lock taken by it and given back soon. */
  async function expectFreeSoon(locks: LockService, late: KeptConnection): Promise<void> {
    expect(locks.stats().unsettled).toBeGreaterThan(0);
    await network.deliver(late);
    // By a release that is repeated every second, not by the end of the lease.
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    expect(await taken()).toBe(false);
    expect(locks.stats().unsettled).toBeGreaterThan(0);
    expect(late.kept).toEqual([]);
  }

  it('leaves no lock behind when its caller no longer waits', async () => {
    await using locks = await connectLockService({ url: network.url });
    await (await locks.acquire(uniqueName('first'))).release();
    const late = network.keep();
    const waiting = locks.acquire(name, { wait: 1_500 }).catch((error: unknown) => error);
    await network.givenUp(late);
    await waiting;
    await waitUntil('the release has been sent', async () => locks.stats().unsettled === 1);
    await expectFreeSoon(locks, late);
  });

  it('leaves no lock behind when a later request got the lock, and it was released', async () => {
    await using locks = await connectLockService({ url: network.url });
    await (await locks.acquire(uniqueName('first'))).release();
    const late = network.keep();
    const lease = await locks.acquire(name);
    expect(late.client.destroyed).toBe(true);
    await expect(lease.release()).resolves.toBe('released');
    await expectFreeSoon(locks, late);
  });

  it('leaves no lock behind when the lock was held by another process meanwhile', async () => {
    await using locks = await connectLockService({ url: network.url });
    await using others = await connectLockService({ url: testRedisUrl() });
    await (await locks.acquire(uniqueName('first'))).release();
    const late = network.keep();
    const waiting = locks.acquire(name, { wait: 5_000 }).catch((error: unknown) => error);
    const lease = await others.acquire(name);
    await network.givenUp(late);
    expect(await waiting).toMatchObject({ code: 'LOCK_BUSY' });
    await lease.release();
    await expectFreeSoon(locks, late);
  });

  it('leaves no vote behind on a node of a quorum', async () => {
    await using nodes = await QuorumNodes.start(3);
    await using slow = await KeepingNetwork.start(nodes.urls[0]!);
    const urls = [slow.url, ...nodes.urls.slice(1)];
    await using locks = await connectLockService({ quorum: urls, restartGuard: 0 });
    await (await locks.acquire(uniqueName('first'))).release();
    const late = slow.keep();
    const lease = await locks.acquire(name);
    await slow.givenUp(late);
    await lease.release();
    // Its vote was given back over the next connection by now.
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    expect(locks.stats().unsettled).toBeGreaterThan(0);
    await slow.deliver(late);
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    expect(await nodes.servers[0]!.client().exists(lockKey(name))).toBe(0);
  });

  it('does not wait in the kernel of the sender, since a silent connection is reset', async () => {
    let reset: unknown;
    await using locks = await connectLockService({ url: network.url });
    await (await locks.acquire(uniqueName('first'))).release();
    const late = network.keep();
    late.client.on('error', (error) => (reset = Reflect.get(error, 'code')));
    const lease = await locks.acquire(name);
    await network.givenUp(late);
    expect(reset).toBe('ECONNRESET');
    await lease.release();
  });
});
