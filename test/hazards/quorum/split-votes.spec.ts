import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import type { Lease, LockService } from 'nestjs-redis-lock';
import { lockKey } from '../../support/lock-keys.js';
import { describeWithRedisServer } from '../../support/redis-server.js';
import { TcpProxy } from '../../support/tcp-proxy.js';
import { uniqueName } from '../../support/test-redis.js';
import { waitUntil } from '../../support/wait-until.js';
import { quorumOf } from '../testing/test-quorum.js';

/** How much longer the way to a distant node takes in each direction, in ms. */
const DISTANCE_MS = 2;

describeWithRedisServer('contenders that each get one vote of three nodes', () => {
  const nodes = quorumOf(3);
  let proxies: TcpProxy[];

  beforeEach(() => {
    proxies = [];
  });
  afterEach(async () => {
    await Promise.all(proxies.map((proxy) => proxy.close()));
  });

  /** A service near one node and farther from the others. */
  async function openNear(index: number): Promise<LockService> {
    const near = await Promise.all(nodes.servers.map((server) => TcpProxy.start(server.url)));
    proxies.push(...near);
    for (const proxy of near.filter((_, place) => place !== index)) {
      proxy.delayRequests(DISTANCE_MS);
      proxy.delayReplies(DISTANCE_MS);
    }
    return nodes.open(
      {},
      near.map(({ url }) => url),
    );
  }

  const harm = {
    'is down': () => nodes.servers[2]!.kill(),
    'has no vote for them': async () => {
      // Full: it refuses every write.
      await nodes.servers[2]!.client().config('SET', 'maxmemory', '1');
    },
  };

  it.each(Object.entries(harm))('decide each of many single attempts while the third %s', async (_state, begin) => {
    const contenders = [await openNear(0), await openNear(1)];
    await begin();
    await sleep(300);
    const winners: number[] = [];
    for (let round = 0; round < 40; round += 1) {
      const name = uniqueName('job');
      const leases = await Promise.all(contenders.map((locks) => locks.tryAcquire(name)));
      const won = leases.filter((lease): lease is Lease => lease !== null);
      winners.push(won.length);
      await Promise.all(won.map((lease) => lease.release()));
    }
    expect(winners).toEqual(winners.map(() => 1));
  });

  it('wait for random times, so that both get a free lock within seconds', async () => {
    const contenders = [await openNear(0), await openNear(1)];
    await nodes.servers[2]!.kill();
    await sleep(300);
    const since = performance.now();
    for (let round = 0; round < 10; round += 1) {
      const name = uniqueName('wait');
      await Promise.all(contenders.map((locks) => locks.withLock(name, () => undefined, { wait: 20_000 })));
    }
    // One sleep of a second in each round would take longer.
    expect(performance.now() - since).toBeLessThan(10_000);
  });

  it('report a lock as busy whose holder keeps its only reachable vote', async () => {
    const locks = await openNear(0);
    const name = uniqueName('held');
    const holder = 'another process:1';
    for (const index of [0, 2]) await nodes.servers[index]!.client().hset(lockKey(name), holder, 1);
    for (const index of [0, 2]) await nodes.servers[index]!.client().pexpire(lockKey(name), 60_000);
    await nodes.servers[2]!.kill();
    await sleep(300);
    expect(await locks.tryAcquire(name)).toBeNull();
    await expect(locks.acquire(name, { wait: 300 })).rejects.toMatchObject({ code: 'LOCK_BUSY' });
    await waitUntil('no vote is left', async () => (await nodes.servers[1]!.client().exists(lockKey(name))) === 0);
  });
});
