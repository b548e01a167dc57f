import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, expect, it } from '@jest/globals';
import { LockConfigError, LockUnavailableError, type LockService } from 'nestjs-redis-lock';
import { lockKey, tokenKey } from '../../support/lock-keys.js';
import { describeWithRedisServer } from '../../support/redis-server.js';
import { uniqueName } from '../../support/test-redis.js';
import { waitUntil } from '../../support/wait-until.js';
import { quorumOf } from '../testing/test-quorum.js';

const GUARD_MS = 3_000;
/** As long as the guard allows: a process that gets no processor for a second must not lose its lock. */
const LEASE_MS = GUARD_MS;

describeWithRedisServer('nodes that lose their state in a restart', () => {
  const nodes = quorumOf(3, { proxies: true }, { lease: LEASE_MS });
  const open = (restartGuard = GUARD_MS): Promise<LockService> => nodes.open({ restartGuard });
  const server = (index: number) => nodes.server(index);
  let name: string;

  beforeEach(() => {
    name = uniqueName('guard');
  });

  const voteOf = (index: number): Promise<number> => server(index).client().exists(lockKey(name));

  it('have no vote during the guard period, and the error has that reason', async () => {
    const locks = await open();
    const error = await locks.acquire(name, { wait: 0 }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(LockUnavailableError);
    expect((error as Error).message).toMatch(/a restart.* may have lost locks: it has a vote in \d+ ms/);
    // It goes on trying within its wait.
    const lease = await locks.acquire(name);
    expect(await lease.release()).toBe('released');
  });

  it('let no second holder in after they have lost the votes of the first', async () => {
    const guard = 6_000;
    const [here, there, bold] = [await open(guard), await open(guard), await open(0)];
    await here.withLock(uniqueName('old enough'), () => undefined);
    nodes.proxies[2]!.refuse();
    // Fixed: a renewal would bring the lock to the third node.
    const lease = await here.acquire(name, { lease: guard, renew: false });
    expect([await voteOf(0), await voteOf(1)]).toEqual([1, 1]);
    nodes.proxies[2]!.accept();
    await server(1).restart();
    // Nodes 1 and 2 know nothing of the lock now; without the guard they are a majority.
    // An attempt can take a while beside a node without a vote: ask for as long as the lease lasts in any case.
    while (lease.remaining() > guard / 2) {
      expect(await there.tryAcquire(name).catch(() => null)).toBeNull();
      await sleep(50);
    }
    const second = await bold.acquire(name, { wait: 1_000 });
    lease.assertHeld();
    await second.release();
    await lease.release();
  });

  it('store held locks again, so that a lock survives the restart of every node', async () => {
    const locks = await open();
    const lease = await locks.acquire(name);
    for (const index of [0, 1, 2]) {
      await server(index).restart();
      await waitUntil('the node holds the lock again', async () => (await voteOf(index)) === 1);
      lease.assertHeld();
      // The token came back with it.
      expect(Number(await server(index).client().get(tokenKey(name)))).toBeGreaterThanOrEqual(lease.token);
    }
    expect(lease.signal.aborted).toBe(false);
    expect(await lease.release()).toBe('released');
    await waitUntil('no vote is left', async () => {
      const left = await Promise.all([0, 1, 2].map(voteOf));
      return left.every((vote) => vote === 0);
    });
  });

  it('store held locks again although they reply later than the others', async () => {
    const locks = await open();
    const lease = await locks.acquire(name);
    nodes.proxies[2]!.delayReplies(20);
    await server(2).restart();
    await waitUntil('the node holds the lock again', async () => (await voteOf(2)) === 1);
    lease.assertHeld();
    expect(await lease.release()).toBe('released');
    await waitUntil('no vote is left', async () => (await voteOf(2)) === 0);
  });

  it('store held locks again before `stats()` shows that the next one can be restarted', async () => {
    const locks = await open();
    const lease = await locks.acquire(name);
    for (const index of [0, 1, 2]) {
      await server(index).restart();
      const isSafe = (): boolean =>
        locks.stats().nodes!.every(({ state, missingLocks }) => state === 'ready' && missingLocks === undefined);
      await waitUntil('the restart is noticed', () => !isSafe());
      await waitUntil('the next one can be restarted', isSafe, 20_000);
      lease.assertHeld();
      expect(await Promise.all([0, 1, 2].map(voteOf))).toEqual([1, 1, 1]);
    }
    await lease.release();
    expect(locks.stats().nodes!.map(({ missingLocks }) => missingLocks)).toEqual([undefined, undefined, undefined]);
  });

  it('end a lock that a majority has lost before another caller can get it', async () => {
    const locks = await open();
    const lease = await locks.acquire(name);
    await Promise.all([server(0).restart(), server(1).restart()]);
    await waitUntil('the holder knows', () => lease.signal.aborted);
    const next = await locks.acquire(name);
    expect(next.token).toBeGreaterThan(lease.token);
    await next.release();
  });

  it('limit the leases: a lease may not be longer than the guard period', async () => {
    const locks = await open();
    await expect(locks.acquire(name, { lease: GUARD_MS + 1, renew: false })).rejects.toBeInstanceOf(LockConfigError);
    const lease = await locks.acquire(name, { lease: GUARD_MS, renew: false });
    await expect(lease.extend(GUARD_MS + 1)).rejects.toBeInstanceOf(LockConfigError);
    lease.assertHeld();
    await sleep(1);
    await lease.release();
  });
});
