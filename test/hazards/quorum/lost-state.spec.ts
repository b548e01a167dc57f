import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { LockUnavailableError, type LockService } from 'nestjs-redis-lock';
import { describeWithRedisServer } from '../../support/redis-server.js';
import { uniqueName } from '../../support/test-redis.js';
import { waitUntil } from '../../support/wait-until.js';
import { QuorumNodes } from '../../support/quorum-nodes.js';
import { quorumOf } from '../testing/test-quorum.js';

const GUARD_MS = 4_000;
const MARKER = 'redis_lock_marker:{lock:}';

describeWithRedisServer('nodes that lose their state without a restart', () => {
  const nodes = quorumOf(3, { proxies: true }, { lease: 2_000, restartGuard: GUARD_MS });
  const open = (): Promise<LockService> => nodes.open();
  let name: string;

  beforeEach(() => {
    name = uniqueName('lost-state');
  });

  const admin = (index: number) => nodes.server(index).client();
  const states = (service: LockService) => service.stats().nodes!.map(({ state }) => state);
  const allReady = (service: LockService): Promise<unknown> =>
    waitUntil('all nodes vote', () => states(service).every((state) => state === 'ready'), 20_000);

  /** One after the other, as long as the lease of the first lasts. */
  async function expectNoSecondHolder(there: LockService, first: { remaining(): number }): Promise<void> {
    for (let round = 0; round < 10 && first.remaining() > 0; round += 1) {
      const second = await there.tryAcquire(name).catch((error: unknown) => error);
      if (first.remaining() === 0) return;
      if (second !== null) expect(second).toBeInstanceOf(LockUnavailableError);
      await sleep(50);
    }
  }

  it('grant no second vote when servers that have been up for long replace them under their addresses', async () => {
    await using others = await QuorumNodes.start(2);
    const [here, there] = [await open(), await open()];
    await allReady(there);
    // The other servers have been up for longer than the guard by now.
    await allReady(here);
    const lease = await here.acquire(name, { lease: GUARD_MS, renew: false });
    nodes.proxies.slice(1).forEach((proxy, index) => {
      proxy.redirect(others.urls[index]!);
      proxy.cut();
    });
    await waitUntil('they are noticed', () => states(there).filter((state) => state === 'waiting').length === 2);
    await expectNoSecondHolder(there, lease);
    expect(there.stats().nodes).toEqual([
      { name: expect.any(String), state: 'ready' },
      ...[1, 2].map(() => ({
        name: expect.any(String),
        state: 'waiting',
        reason: expect.stringContaining('may have lost locks'),
        readyInMs: expect.any(Number),
      })),
    ]);
    const next = await there.acquire(name, { wait: 30_000 });
    expect(next.token).toBeGreaterThan(lease.token);
    await next.release();
    await lease.release();
  });

  it.each([
    ['FLUSHALL', (index: number): Promise<unknown> => admin(index).flushall()],
    ['a deleted marker', (index: number): Promise<unknown> => admin(index).del(MARKER)],
  ])('grant no second vote after %s with open connections', async (_how, lose) => {
    const [here, there] = [await open(), await open()];
    await allReady(there);
    await allReady(here);
    const lease = await here.acquire(name, { lease: GUARD_MS, renew: false });
    await lose(1);
    await lose(2);
    await expectNoSecondHolder(there, lease);
    expect(states(there)).toEqual(['ready', 'waiting', 'waiting']);
    await lease.release();
    // Each of the two writes a new marker, which both services wait for.
    await there.acquire(uniqueName('later'), { wait: 30_000 });
    await allReady(here);
  });

  it('are detected although no caller requests a vote', async () => {
    const locks = await open();
    await allReady(locks);
    await admin(1).flushall();
    await waitUntil('the node has no vote', () => states(locks)[1] === 'waiting', 20_000);
    await allReady(locks);
  });

  it('are not used to inspect a lock', async () => {
    const locks = await open();
    await allReady(locks);
    await using lease = await locks.acquire(name, { lease: GUARD_MS, renew: false });
    await admin(1).flushall();
    await admin(2).flushall();
    // A vote is asked for, so that the loss is noticed.
    await locks.acquire(uniqueName('other'), { wait: 0 }).catch(() => undefined);
    await expect(locks.inspect(name)).rejects.toBeInstanceOf(LockUnavailableError);
    lease.assertHeld();
  });

  it('do not accept a held lock again before the guard period has ended', async () => {
    const locks = await open();
    await allReady(locks);
    const lease = await locks.acquire(name);
    await admin(2).flushall();
    const flushedAt = performance.now();
    await waitUntil('the node holds the lock again', async () => (await admin(2).exists(`lock:${name}`)) === 1, 20_000);
    expect(performance.now() - flushedAt).toBeGreaterThanOrEqual(GUARD_MS);
    lease.assertHeld();
    await lease.release();
  });

  describe('and whose marker was written under another clock', () => {
    const ages = (ms: number) => (index: number) => async (): Promise<void> => {
      const redis = admin(index);
      const [[id, value]] = Object.entries(await redis.hgetall(MARKER)) as [[string, string]];
      const [run, server, client] = value.split(' ') as [string, string, string];
      await redis.hset(MARKER, id, `${run} ${Number(server) - ms} ${client}`);
    };

    it('are not trusted sooner if their own clock is set forward', async () => {
      await open();
      // As if the clocks of the servers had been set forward by an hour after that.
      for (const index of [0, 1, 2]) await ages(3_600_000)(index)();
      const later = await open();
      const error = await later.acquire(name, { wait: 0 }).catch((e: unknown) => e);
      expect(error).toBeInstanceOf(LockUnavailableError);
    });

    it('are trusted after one guard period if their clock is set back', async () => {
      await open();
      for (const index of [0, 1, 2]) await ages(-3_600_000)(index)();
      const later = await open();
      await (await later.acquire(name, { wait: GUARD_MS * 3 })).release();
      // Nor does a service that starts afterwards wait for an hour.
      const last = await open();
      await (await last.acquire(name, { wait: GUARD_MS * 3 })).release();
    });
  });

  it('vote at once for a service that starts when their markers are old', async () => {
    await allReady(await open());
    const later = await open();
    await (await later.acquire(name, { wait: 0 })).release();
  });
});
