import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, expect, it } from '@jest/globals';
import type { LockService } from 'nestjs-redis-lock';
import { lockKey } from '../../support/lock-keys.js';
import { describeWithRedisServer, type RedisServer } from '../../support/redis-server.js';
import { uniqueName } from '../../support/test-redis.js';
import { waitUntil } from '../../support/wait-until.js';
import { quorumOf } from '../testing/test-quorum.js';

const LEASE_MS = 3_000;

describeWithRedisServer('votes that no lease needs any more', () => {
  const nodes = quorumOf(3, { proxies: true }, { lease: LEASE_MS });
  const server = (index: number): RedisServer => nodes.server(index);
  let locks: LockService;
  let name: string;

  beforeEach(async () => {
    locks = await nodes.open();
    name = uniqueName('vote');
  });

  const held = (index: number, which = name): Promise<number> => server(index).client().exists(lockKey(which));
  const aborted = (signal: AbortSignal): Promise<unknown> =>
    new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));

  it('are released when a majority has lost the lock', async () => {
    const lease = await locks.acquire(name, { lease: 60_000, renew: false });
    const lost = aborted(lease.signal);
    for (const index of [0, 1]) await server(index).client().del(lockKey(name));
    await expect(lease.extend(60_000)).rejects.toMatchObject({ code: 'LOCK_LOST' });
    await lost;
    await waitUntil('the third node is free', async () => (await held(2)) === 0);
  });

  it('are released when the lease ended without a majority', async () => {
    const lease = await locks.acquire(name);
    // The third node keeps the vote for longer than the lease.
    await server(2).client().pexpire(lockKey(name), 60_000);
    const lost = aborted(lease.signal);
    for (const index of [0, 1]) server(index).freeze();
    await lost;
    await waitUntil('the third node is free', async () => (await held(2)) === 0);
  });

  it('are released by nodes that were paused for longer than a lease', async () => {
    const names = Array.from({ length: 20 }, (_, index) => `${name}:${String(index)}`);
    const lease = 6_000;
    // The nodes know the scripts after this.
    await locks.withLock(uniqueName('before'), () => undefined);
    for (const index of [1, 2]) {
      server(index).freeze();
      nodes.proxies[index]!.strand();
    }
    const attempts = await Promise.all(
      names.map((each) => locks.tryAcquire(each, { lease, renew: false }).catch(() => null)),
    );
    expect(attempts).toEqual(names.map(() => null));
    // The connections are given up, and the nodes have still received the requests.
    await sleep(lease);
    for (const index of [1, 2]) nodes.proxies[index]!.deliverStranded();
    await sleep(2_000);
    for (const index of [1, 2]) server(index).thaw();
    // They execute the requests now. Without a clean-up the locks would stay for a lease.
    const free = async (): Promise<boolean> => {
      const left = await Promise.all([1, 2].flatMap((index) => names.map((each) => held(index, each))));
      return left.every((each) => each === 0);
    };
    await waitUntil('no lock is left', free, lease - 1_000);
    await waitUntil('nothing is left to do', () => locks.stats().unsettled === 0);
  });

  it('are cleaned up once for each owner and node while a majority is down', async () => {
    const leases = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        locks.acquire(`${name}:${String(index)}`, { lease: 60_000, renew: false }),
      ),
    );
    for (const index of [1, 2]) await server(index).kill();
    await Promise.all(leases.map((lease) => lease.release()));
    const seen: number[] = [];
    for (let look = 0; look < 16; look += 1) {
      await sleep(250);
      seen.push(locks.stats().unsettled);
    }
    // One at each of the two nodes, and the caller's own release; on a busy machine also at the third node, if its reply is late.
    expect(Math.max(...seen)).toBeLessThanOrEqual(4 * leases.length);
  });
});
