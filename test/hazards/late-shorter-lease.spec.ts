import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { connectLockService, type Lease } from 'nestjs-redis-lock';
import { KeepingNetwork } from '../support/keeping-network.js';
import { lockKey } from '../support/lock-keys.js';
import { QuorumNodes } from '../support/quorum-nodes.js';
import { describeWithRedisServer } from '../support/redis-server.js';
import { redisClient, testRedisUrl, uniqueName } from '../support/test-redis.js';
import { waitUntil } from '../support/wait-until.js';

const SHORT_MS = 8_000;
const LONG_MS = 60_000;

const extended = (lease: Lease, ms: number): Promise<boolean> =>
  lease.extend(ms).then(
    () => true,
    () => false,
  );

/** Until its connection is replaced, no request succeeds. */
const untilExtended = (lease: Lease): Promise<unknown> =>
  waitUntil('the lease is extended', () => extended(lease, LONG_MS));

describe('a request for a shorter lease that arrives after a longer one was confirmed', () => {
  let network: KeepingNetwork;
  let admin: Redis;
  let name: string;

  beforeEach(async () => {
    network = await KeepingNetwork.start(testRedisUrl());
    admin = redisClient();
    name = uniqueName('shorter');
  });
  afterEach(async () => {
    await admin.del(lockKey(name));
    admin.disconnect();
    await network[Symbol.asyncDispose]();
  });

  const timeToLive = (): Promise<number> => admin.pttl(lockKey(name));

  /** Redis keeps the lock for at least as long as its holder may rely on it. */
  async function expectCovered(lease: Lease): Promise<void> {
    expect(await timeToLive()).toBeGreaterThanOrEqual(lease.remaining());
    expect(lease.remaining()).toBeGreaterThan(SHORT_MS);
  }

  it('does not end an extended lease early: `extend`', async () => {
    await using locks = await connectLockService({ url: network.url });
    // A lease that is not renewed: the request for the shorter one is all that was in flight.
    await using lease = await locks.acquire(name, { lease: 30_000, renew: false });
    const late = network.keep();
    await expect(lease.extend(SHORT_MS)).rejects.toMatchObject({ code: 'LOCK_UNAVAILABLE', outcomeUnknown: true });
    expect(lease.remaining()).toBeLessThanOrEqual(SHORT_MS);
    await network.givenUp(late);
    await untilExtended(lease);
    await network.deliver(late);
    await expectCovered(lease);
  });

  it('does not end a renewed lease early: `extend`', async () => {
    await using locks = await connectLockService({ url: network.url });
    await using lease = await locks.acquire(name);
    const late = network.keep();
    await expect(lease.extend(SHORT_MS)).rejects.toMatchObject({ code: 'LOCK_UNAVAILABLE', outcomeUnknown: true });
    await network.givenUp(late);
    await waitUntil('it is renewed', () => lease.remaining() > SHORT_MS);
    // Without the renewal that was sent behind it.
    late.kept.splice(1);
    await network.deliver(late);
    await expectCovered(lease);
  });

  it('does not end an extended lease early: a renewal', async () => {
    await using locks = await connectLockService({ url: network.url, lease: SHORT_MS });
    await using lease = await locks.acquire(name);
    const late = network.keep();
    await waitUntil('a renewal is sent', () => late.kept.length > 0);
    await network.givenUp(late);
    await untilExtended(lease);
    await network.deliver(late);
    await expectCovered(lease);
  });

  it('does not end the lease of the next caller early: an acquire of a caller that no longer waits', async () => {
    await using locks = await connectLockService({ url: network.url });
    await (await locks.acquire(uniqueName('first'))).release();
    const late = network.keep();
    const gaveUp = locks.acquire(name, { lease: SHORT_MS, renew: false, wait: 500 }).catch((error: unknown) => error);
    await using lease = await locks.acquire(name);
    expect(await gaveUp).toMatchObject({ code: 'LOCK_UNAVAILABLE' });
    expect(late.client.destroyed).toBe(true);
    await network.deliver(late);
    await expectCovered(lease);
  });

  it('does not free a lock early that is kept after its release: an acquire of a caller that no longer waits', async () => {
    await using locks = await connectLockService({ url: network.url });
    await (await locks.acquire(uniqueName('first'))).release();
    const late = network.keep();
    const gaveUp = locks.acquire(name, { lease: SHORT_MS, renew: false, wait: 500 }).catch((error: unknown) => error);
    const lease = await locks.acquire(name, { holdAtLeast: LONG_MS });
    await gaveUp;
    await lease.release();
    await network.deliver(late);
    expect(await timeToLive()).toBeGreaterThan(LONG_MS / 2);
  });

  it('sent together with a longer one, leaves the lease that was requested last', async () => {
    await using locks = await connectLockService({ url: testRedisUrl() });
    await using lease = await locks.acquire(name, { lease: 30_000, renew: false });
    await Promise.all([lease.extend(LONG_MS), lease.extend(SHORT_MS)]);
    expect(lease.remaining()).toBeLessThanOrEqual(SHORT_MS);
    expect(await timeToLive()).toBeGreaterThanOrEqual(lease.remaining());
    await Promise.all([lease.extend(SHORT_MS), lease.extend(LONG_MS)]);
    expect(lease.remaining()).toBeGreaterThan(SHORT_MS);
    expect(await timeToLive()).toBeGreaterThanOrEqual(lease.remaining());
  });
});

describeWithRedisServer('a late request for a shorter lease, over several nodes', () => {
  let nodes: QuorumNodes;
  let networks: KeepingNetwork[];
  let name: string;

  beforeEach(async () => {
    nodes = await QuorumNodes.start(3);
    networks = [await KeepingNetwork.start(nodes.urls[0]!), await KeepingNetwork.start(nodes.urls[1]!)];
    name = uniqueName('shorter');
  });
  afterEach(async () => {
    for (const network of networks) await network[Symbol.asyncDispose]();
    await nodes.stop();
  });

  const urls = (): string[] => [...networks.map(({ url }) => url), nodes.urls[2]!];
  const timeToLive = (index: number): Promise<number> => nodes.servers[index]!.client().pttl(lockKey(name));

  it('does not make an extended lease shorter: `extend`', async () => {
    await using locks = await connectLockService({ quorum: urls(), restartGuard: 0 });
    await using lease = await locks.acquire(name, { lease: 30_000, renew: false });
    const late = networks.map((network) => network.keep());
    await expect(lease.extend(SHORT_MS)).rejects.toMatchObject({ code: 'LOCK_UNAVAILABLE', outcomeUnknown: true });
    for (const [index, network] of networks.entries()) await network.givenUp(late[index]!);
    await untilExtended(lease);
    for (const [index, network] of networks.entries()) await network.deliver(late[index]!);
    const left = await Promise.all([0, 1, 2].map(timeToLive));
    expect(left.filter((ms) => ms >= lease.remaining()).length).toBeGreaterThanOrEqual(2);
    expect(lease.remaining()).toBeGreaterThan(SHORT_MS);
  });

  it('does not make an extended lease shorter: a request for a vote', async () => {
    await using locks = await connectLockService({ quorum: urls(), restartGuard: 0 });
    await (await locks.acquire(uniqueName('first'))).release();
    const [network] = networks as [KeepingNetwork];
    const late = network.keep();
    await using lease = await locks.acquire(name, { lease: SHORT_MS, renew: false });
    await network.givenUp(late);
    await untilExtended(lease);
    await waitUntil('the node holds the lock again', async () => {
      await lease.extend(LONG_MS);
      return (await timeToLive(0)) > SHORT_MS;
    });
    await network.deliver(late);
    expect(await timeToLive(0)).toBeGreaterThan(SHORT_MS);
  });
});
