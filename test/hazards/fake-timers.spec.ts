import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { connectLockService, createLockService, type LockService, type LockServiceOptions } from 'nestjs-redis-lock';
import { testRedisUrl, uniqueName } from '../support/test-redis.js';

type Fakes = NonNullable<Parameters<typeof jest.useFakeTimers>[0]>;

const FAKES: Readonly<Record<string, Fakes>> = {
  "all of Jest's fakes": {},
  'fakes that leave the monotonic clock alone': { doNotFake: ['performance', 'hrtime', 'nextTick', 'queueMicrotask'] },
  'fake timers without a fake clock': { doNotFake: ['performance', 'hrtime', 'Date', 'nextTick', 'queueMicrotask'] },
  "Jest's legacy fakes": { legacyFakeTimers: true },
};
const PLACES: Readonly<Record<string, () => LockServiceOptions>> = {
  'a memory store': () => ({ memory: true }),
  'one Redis': () => ({ url: testRedisUrl() }),
};
const LEASE = 900;

afterEach(() => {
  jest.useRealTimers();
});

/** Expects that a wait ends, a lease is renewed, a fixed lease expires, and the service closes. */
async function expectWorking(locks: LockService): Promise<void> {
  const name = uniqueName('fakes');
  const [kept, fixed] = await Promise.all([
    locks.acquire(name),
    locks.acquire(`${name}-fixed`, { lease: 400, renew: false }),
  ]);
  const { signal } = fixed;
  await expect(locks.acquire(name, { wait: 200, nested: 'wait' })).rejects.toMatchObject({ code: 'LOCK_BUSY' });
  await sleep(1.5 * LEASE);
  expect(kept.remaining()).toBeGreaterThan(0);
  expect(signal.aborted).toBe(true);
  expect(fixed.remaining()).toBe(0);
  await expect(kept.release()).resolves.toBe('released');
  await fixed.release();
}

for (const [place, options] of Object.entries(PLACES)) {
  for (const [label, fakes] of Object.entries(FAKES)) {
    describe(`${place} and ${label}`, () => {
      let locks: LockService;
      let name: string;

      beforeEach(async () => {
        jest.useRealTimers();
        name = uniqueName('fakes');
        locks = await connectLockService({ ...options(), lease: LEASE });
      });
      afterEach(async () => {
        jest.useRealTimers();
        await locks.close();
      });

      it('works while the fakes are installed and never advanced, and after they were removed', async () => {
        await locks.withLock(name, () => sleep(5));
        jest.useFakeTimers(fakes);
        await expectWorking(locks);
        jest.useRealTimers();
        await expectWorking(locks);
      });

      it('renews a lease that was acquired under the fakes, after they were removed', async () => {
        jest.useFakeTimers(fakes);
        const lease = await locks.acquire(name);
        const waiting = locks.acquire(name, { wait: 200, nested: 'wait' }).catch((error: unknown) => error);
        jest.useRealTimers();
        expect(await waiting).toMatchObject({ code: 'LOCK_BUSY' });
        await sleep(1.5 * LEASE);
        expect(lease.remaining()).toBeGreaterThan(0);
        await expect(lease.release()).resolves.toBe('released');
      });

      it('keeps a lease and serves its waiter when the fakes are installed meanwhile', async () => {
        const lease = await locks.acquire(name);
        const waiting = locks.acquire(name, { wait: 20_000, nested: 'wait' });
        jest.useFakeTimers(fakes);
        await sleep(1.5 * LEASE);
        expect(lease.remaining()).toBeGreaterThan(0);
        await expect(lease.release()).resolves.toBe('released');
        const next = await waiting;
        jest.useRealTimers();
        await expect(next.release()).resolves.toBe('released');
      });

      it('closes under the fakes', async () => {
        await locks.withLock(name, () => sleep(5));
        jest.useFakeTimers(fakes);
        await locks.close();
      });
    });
  }
}

for (const [label, fakes] of Object.entries(FAKES)) {
  describe(`time that is advanced with ${label}`, () => {
    const minute = 60_000;
    let locks: LockService;

    beforeEach(() => {
      locks = createLockService({ memory: true });
    });
    afterEach(async () => {
      jest.useRealTimers();
      await locks.close();
    });

    /** Lets what is under way be done, before and after. */
    const advance = async (ms: number): Promise<void> => {
      await sleep(5);
      jest.advanceTimersByTime(ms);
      await sleep(5);
    };

    it('ends a wait', async () => {
      jest.useFakeTimers(fakes);
      const lease = await locks.acquire('a', { lease: 10 * minute, renew: false });
      const waiting = locks.acquire('a', { wait: minute, nested: 'wait' }).catch((error: unknown) => error);
      await advance(minute - 1_000);
      expect(locks.stats().waiting).toBe(1);
      await advance(2_000);
      expect(await waiting).toMatchObject({ code: 'LOCK_BUSY' });
      await lease.release();
    });

    it('ends a lease that is not renewed, even if it was acquired before', async () => {
      const early = await locks.acquire('early', { lease: minute, renew: false });
      jest.useFakeTimers(fakes);
      const lease = await locks.acquire('a', { lease: minute, renew: false });
      const { signal } = lease;
      await advance(minute - 5_000);
      expect(signal.aborted).toBe(false);
      expect(lease.remaining()).toBeGreaterThan(0);
      await advance(10_000);
      expect(signal.aborted).toBe(true);
      expect(early.remaining()).toBe(0);
      await expect(lease.release()).resolves.toBe('lost');
      await early.release();
    });
  });
}

describe('a module that is loaded while fake timers are installed', () => {
  it.each(Object.entries(FAKES))('works under %s and without them', async (_label, fakes) => {
    jest.resetModules();
    jest.useFakeTimers(fakes);
    const { createLockService: create } = await import('nestjs-redis-lock');
    const locks = create({ memory: true, lease: LEASE });
    await expectWorking(locks);
    jest.useRealTimers();
    await expectWorking(locks);
    await locks.close();
  });
});
