import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { connectLockService, LockConfigError, type LockService } from 'nestjs-redis-lock';
import { RedisCluster } from '../support/redis-cluster.js';
import { RedisServer } from '../support/redis-server.js';
import { uniqueName } from '../support/test-redis.js';
import { untilIdle } from '../support/until-idle.js';
import { waitUntil } from '../support/wait-until.js';
import { Gauge } from './gauge.js';
import { RedissonPeer, type JavaThread } from './redisson-peer.js';

/** A lease so long that who gets a permit well before its end was woken. */
const LONG_MS = 60_000;
const WELL_BEFORE_MS = 50_000;
const PERMITS = 5;

/** How many sections of each side the mixed test runs; SECTIONS sets it for a long run. */
const SECTIONS = Number(process.env.SECTIONS ?? 400);

for (const where of ['one Redis', 'a cluster'] as const) {
  describe(`a semaphore shared with Redisson on ${where}`, () => {
    let close: () => Promise<void>;
    let jvm: RedissonPeer;
    let java: JavaThread;
    let locks: LockService;
    let otherLocks: LockService;
    let name: string;

    beforeAll(async () => {
      let open: () => Promise<LockService>;
      if (where === 'one Redis') {
        const server = await RedisServer.start();
        close = () => server.stop();
        jvm = await RedissonPeer.start(server.url, LONG_MS);
        open = () => connectLockService({ url: server.url, keyPrefix: '', lease: LONG_MS });
      } else {
        const cluster = await RedisCluster.start({ replicas: 0 });
        close = () => cluster.stop();
        jvm = await RedissonPeer.start(cluster.servers[0]!.url, LONG_MS, 'cluster');
        open = () => connectLockService({ cluster: { nodes: cluster.nodes }, keyPrefix: '', lease: LONG_MS });
      }
      [locks, otherLocks] = await Promise.all([open(), open()]);
    }, 60_000);
    beforeEach(() => {
      name = uniqueName('permits');
      java = jvm.thread(name);
    });
    afterAll(async () => {
      await Promise.all([locks.close(), otherLocks.close()]);
      await jvm.kill();
      await close();
    });

    it.each(['Java', 'this library'])('counts the permits of both sides together, created by %s', async (first) => {
      const semaphore = locks.semaphore(name, { permits: PERMITS });
      if (first === 'Java') expect(await java.trySetPermits(name, PERMITS)).toBe(true);
      else await semaphore.withPermit(() => undefined);
      const ids = await java.acquirePermits(name, { take: 3, lease: LONG_MS });
      expect(await semaphore.inspect()).toMatchObject({ permits: PERMITS, held: 3, available: 2 });
      expect(await semaphore.tryAcquire({ take: 3 })).toBeNull();
      const two = await semaphore.tryAcquire({ take: 2 });
      expect(two).not.toBeNull();
      expect(await java.availablePermits(name)).toBe(0);
      expect(await java.tryAcquirePermits(name, { lease: LONG_MS })).toEqual([]);
      await java.releasePermits(name, ids);
      expect(await two!.release()).toBe('released');
      expect(await java.availablePermits(name)).toBe(PERMITS);
      expect(await semaphore.inspect()).toMatchObject({ held: 0, available: PERMITS });
    });

    it('notifies this library as soon as Java returns a permit, and Java as soon as this library does', async () => {
      const semaphore = locks.semaphore(name, { permits: 1 });
      await java.trySetPermits(name, 1);
      const ids = await java.acquirePermits(name, { lease: LONG_MS });
      let began = performance.now();
      const waiting = semaphore.acquire({ wait: LONG_MS });
      await waitUntil('this library waits', () => locks.stats().waiting === 1);
      await new Promise((resolve) => setTimeout(resolve, 500));
      await java.releasePermits(name, ids);
      const lease = await waiting;
      expect(performance.now() - began).toBeLessThan(WELL_BEFORE_MS);
      began = performance.now();
      const javaWaits = java.acquirePermits(name, { lease: LONG_MS });
      await waitUntil('Java sleeps', () => java.isAsleep());
      await lease.release();
      await java.releasePermits(name, await javaWaits);
      expect(performance.now() - began).toBeLessThan(WELL_BEFORE_MS);
    });

    it('takes back the permits of a Java process that does not return them, and the reverse', async () => {
      const semaphore = locks.semaphore(name, { permits: 2 });
      await java.trySetPermits(name, 2);
      await java.acquirePermits(name, { take: 2, lease: 500 });
      const lease = await semaphore.acquire({ take: 2, lease: 1_000, renew: false, wait: 20_000 });
      const javaWaits = java.acquirePermits(name, { take: 2, lease: LONG_MS });
      await java.releasePermits(name, await javaWaits);
      expect(lease.signal.aborted).toBe(true);
      expect(await lease.release()).toBe('lost');
      expect(await java.availablePermits(name)).toBe(2);
      await untilIdle(locks);
    });

    it('refuses a plain RSemaphore under its name, and says so', async () => {
      const semaphore = locks.semaphore(name, { permits: PERMITS });
      await java.trySetPermits(name, PERMITS);
      await java.acquirePlain(name);
      await expect(semaphore.tryAcquire()).rejects.toBeInstanceOf(LockConfigError);
      await expect(semaphore.tryAcquire()).rejects.toThrow('RPermitExpirableSemaphore');
      await java.releasePlain(name);
      await semaphore.withPermit(async () => {
        await java.acquirePlain(name);
        await expect(otherLocks.semaphore(name, { permits: PERMITS }).tryAcquire()).rejects.toThrow('RSemaphore');
        await java.releasePlain(name);
      });
    });

    it(`never has more permits out than exist, by a count outside of Redis (${String(SECTIONS)} sections of each caller)`, async () => {
      await using gauge = await Gauge.start();
      await java.trySetPermits(name, PERMITS);
      const sections = async (service: LockService, take: number): Promise<void> => {
        const semaphore = service.semaphore(name, { permits: PERMITS });
        for (let n = 0; n < SECTIONS; n += 1) {
          await semaphore.withPermit(
            async (lease) => {
              gauge.change(take);
              await new Promise((resolve) => setImmediate(resolve));
              lease.assertHeld();
              gauge.change(-take);
            },
            { take, wait: Infinity },
          );
        }
      };
      const javaSections = [1, 2, 1].map((take, index) =>
        jvm.thread(`${name} ${String(index)}`).permitSections(name, { count: SECTIONS, take, gauge: gauge.port }),
      );
      await Promise.all([
        ...javaSections,
        ...[1, 1, 3].map((take) => sections(locks, take)),
        ...[1, 2].map((take) => sections(otherLocks, take)),
      ]);
      expect(gauge.most).toBe(PERMITS);
      expect(gauge.changes).toBe(2 * 8 * SECTIONS);
      expect(await java.availablePermits(name)).toBe(PERMITS);
      await untilIdle(locks, otherLocks);
    }, 600_000);
  });
}
