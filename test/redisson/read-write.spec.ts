import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { connectLockService, LockConfigError, LockLostError, type LockService } from 'nestjs-redis-lock';
import { RedisCluster } from '../support/redis-cluster.js';
import { RedisServer } from '../support/redis-server.js';
import { uniqueName } from '../support/test-redis.js';
import { untilIdle } from '../support/until-idle.js';
import { waitUntil } from '../support/wait-until.js';
import { Gauge } from './gauge.js';
import { RedissonPeer, type JavaThread } from './redisson-peer.js';

/** A lease so long that who gets a lock well before its end was woken. */
const LONG_MS = 60_000;
const WELL_BEFORE_MS = 50_000;
/** What a writer counts on the gauge: more than all readers together. */
const WRITER = 1_000;

/** How many sections of each side the mixed test runs; SECTIONS sets it for a long run. */
const SECTIONS = Number(process.env.SECTIONS ?? 300);
const MODES = ['read', 'write'] as const;

for (const where of ['one Redis', 'a cluster'] as const) {
  describe(`a read-write lock shared with Redisson on ${where}`, () => {
    let close: () => Promise<void>;
    let url: string;
    let admin: (key: string) => Promise<Redis>;
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
        url = server.url;
        admin = () => Promise.resolve(server.client());
        open = () => connectLockService({ url, keyPrefix: '', lease: LONG_MS });
      } else {
        const cluster = await RedisCluster.start({ replicas: 0 });
        close = () => cluster.stop();
        url = cluster.servers[0]!.url;
        admin = async (key) => (await cluster.masterOf(key)).admin;
        open = () => connectLockService({ cluster: { nodes: cluster.nodes }, keyPrefix: '', lease: LONG_MS });
      }
      jvm = await RedissonPeer.start(url, LONG_MS, where === 'a cluster' ? 'cluster' : 'single');
      [locks, otherLocks] = await Promise.all([open(), open()]);
    }, 60_000);
    beforeEach(() => {
      name = uniqueName('read-write');
      java = jvm.thread(name);
    });
    afterAll(async () => {
      await Promise.all([locks.close(), otherLocks.close()]);
      await jvm.kill();
      await close();
    });

    const promptly = async (run: () => Promise<void>): Promise<void> => {
      const began = performance.now();
      await run();
      expect(performance.now() - began).toBeLessThan(WELL_BEFORE_MS);
    };
    const waitsHere = () => waitUntil('this library waits', () => locks.stats().waiting === 1);
    const javaSleeps = () => waitUntil('Java sleeps', () => java.isAsleep());

    it.each(['Java', 'this library'])('is read by both sides together, until %s leaves last', async (last) => {
      const other = jvm.thread(`${name} writer`).to('write');
      await java.to('read').lock(name);
      const lease = await locks.acquire(name, { mode: 'read' });
      expect(await locks.inspect(name)).toMatchObject({ held: true, mode: 'read', holds: 2 });
      await expect(otherLocks.tryAcquire(name, { mode: 'write' })).resolves.toBeNull();
      expect(await other.tryLock(name)).toBe(false);
      if (last === 'Java') expect(await lease.release()).toBe('released');
      else await java.to('read').unlock(name);
      // The side that has left has not taken the lock from the other one.
      expect(await locks.inspect(name)).toMatchObject({ held: true, mode: 'read', holds: 1 });
      expect(await (await admin(name)).pttl(name)).toBeGreaterThan(LONG_MS / 2);
      await expect(otherLocks.tryAcquire(name, { mode: 'write' })).resolves.toBeNull();
      expect(await other.tryLock(name)).toBe(false);
      if (last === 'Java') await java.to('read').unlock(name);
      else expect(await lease.release()).toBe('released');
      expect(await other.tryLock(name)).toBe(true);
      await other.unlock(name);
      expect(await (await admin(name)).exists(name)).toBe(0);
    });

    it('is written by one side at a time', async () => {
      await java.to('write').lock(name);
      for (const mode of MODES) await expect(locks.tryAcquire(name, { mode })).resolves.toBeNull();
      expect(await locks.inspect(name)).toMatchObject({ held: true, mode: 'write', holds: 1 });
      await java.to('write').unlock(name);
      const lease = await locks.acquire(name, { mode: 'write' });
      for (const mode of MODES) expect(await java.to(mode).tryLock(name)).toBe(false);
      expect(await java.to('write').isLocked(name)).toBe(true);
      expect(await lease.release()).toBe('released');
    });

    it.each([
      ['write', 'read'],
      ['write', 'write'],
      ['read', 'write'],
    ] as const)('held by Java to %s, notifies this library, which waits to %s', async (held, wanted) => {
      await java.to(held).lock(name);
      const waiting = locks.acquire(name, { mode: wanted, wait: LONG_MS });
      await waitsHere();
      await new Promise((resolve) => setTimeout(resolve, 300));
      await promptly(async () => {
        await java.to(held).unlock(name);
        await (await waiting).release();
      });
    });

    it.each([
      ['write', 'read'],
      ['write', 'write'],
      ['read', 'write'],
    ] as const)('held by this library to %s, notifies Java, which waits to %s', async (held, wanted) => {
      const lease = await locks.acquire(name, { mode: held });
      const waiting = java.to(wanted).lock(name);
      await javaSleeps();
      await promptly(async () => {
        await lease.release();
        await waiting;
      });
      await java.to(wanted).unlock(name);
    });

    it('renews its own lease only, and not that of a Java reader that is gone', async () => {
      await java.to('read').lock(name, { lease: 1_000 });
      const lease = await locks.acquire(name, { mode: 'read', lease: 1_500 });
      await waitUntil('the lease of Java is over', async () => (await locks.inspect(name)).holds === 1);
      // Longer than its lease: it was renewed.
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      lease.assertHeld();
      await expect(java.to('read').unlock(name)).rejects.toThrow();
      lease.assertHeld();
      await expect(otherLocks.tryAcquire(name, { mode: 'write' })).resolves.toBeNull();
      expect(await lease.release()).toBe('released');
      await (await otherLocks.tryAcquire(name, { mode: 'write' }))!.release();
    });

    it.each(MODES)('held to %s by a side that is gone, comes back when its lease is over', async (mode) => {
      const doomed = await RedissonPeer.start(url, 2_000, where === 'a cluster' ? 'cluster' : 'single');
      await doomed.thread(name).to(mode).lock(name);
      await doomed.kill();
      const lease = await locks.acquire(name, { mode: 'write', lease: 2_000, renew: false, wait: LONG_MS });
      await promptly(() => java.to(mode).lock(name));
      expect(lease.signal.reason).toBeInstanceOf(LockLostError);
      expect(await lease.release()).toBe('lost');
      expect(await java.to(mode).isHeldByMe(name)).toBe(true);
      await java.to(mode).unlock(name);
      await untilIdle(locks);
    });

    it('goes to a reader of this library when a Java writer that also reads stops writing', async () => {
      await java.to('write').lock(name);
      await java.to('read').lock(name);
      const waiting = locks.acquire(name, { mode: 'read', wait: LONG_MS });
      await waitsHere();
      await java.to('write').unlock(name);
      const lease = await waiting;
      expect(await locks.inspect(name)).toMatchObject({ mode: 'read', holds: 2 });
      await java.to('read').unlock(name);
      lease.assertHeld();
      expect(await lease.release()).toBe('released');
    });

    it('is not an RLock: the error says what has the name', async () => {
      await java.lock(name);
      for (const mode of MODES) {
        await expect(locks.acquire(name, { mode })).rejects.toBeInstanceOf(LockConfigError);
        await expect(locks.acquire(name, { mode })).rejects.toThrow('is the name of a lock');
      }
      await java.unlock(name);
      for (const mode of MODES) {
        await java.to(mode).lock(name);
        await expect(locks.acquire(name)).rejects.toThrow('is the name of a read-write lock');
        await java.to(mode).unlock(name);
      }
    });

    it('is released by an operator of either side', async () => {
      const lease = await locks.acquire(name, { mode: 'write' });
      expect(await java.to('write').forceUnlock(name)).toBe(true);
      expect(await lease.release()).toBe('lost');
      await java.to('read').lock(name);
      expect(await locks.forceRelease(name)).toBe(true);
      expect(await (await admin(name)).exists(name)).toBe(0);
      await untilIdle(locks);
    });

    it(`has one writer or only readers, by a count outside of Redis (${String(SECTIONS)} sections of each caller)`, async () => {
      await using gauge = await Gauge.start();
      const sections = async (service: LockService, mode: 'read' | 'write'): Promise<void> => {
        const weight = mode === 'write' ? WRITER : 1;
        for (let n = 0; n < SECTIONS; n += 1) {
          await service.withLock(
            name,
            async (lease) => {
              gauge.change(weight);
              await new Promise((resolve) => setImmediate(resolve));
              lease.assertHeld();
              gauge.change(-weight);
            },
            { mode, wait: Infinity },
          );
        }
      };
      const ofJava = (['write', 'read', 'read'] as const).map((mode, index) =>
        jvm
          .thread(`${name} ${String(index)}`)
          .to(mode)
          .gaugedSections(name, { count: SECTIONS, weight: mode === 'write' ? WRITER : 1, gauge: gauge.port }),
      );
      await Promise.all([
        ...ofJava,
        ...(['write', 'read', 'read'] as const).map((mode) => sections(locks, mode)),
        ...(['write', 'read'] as const).map((mode) => sections(otherLocks, mode)),
      ]);
      expect(gauge.most).toBe(WRITER);
      expect(gauge.changes).toBe(2 * 8 * SECTIONS);
      expect(await (await admin(name)).exists(name)).toBe(0);
      await untilIdle(locks, otherLocks);
    }, 600_000);
  });
}
