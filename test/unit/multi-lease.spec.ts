import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { connectLockService, LockBusyError, LockNameError, type LockService } from 'nestjs-redis-lock';
import { testRedisUrl, uniqueName } from '../support/test-redis.js';
import { untilIdle } from '../support/until-idle.js';
import { waitUntil } from '../support/wait-until.js';

describe('several locks at once', () => {
  let locks: LockService;
  let a: string;
  let b: string;

  beforeEach(async () => {
    locks = await connectLockService({ url: testRedisUrl() });
    a = uniqueName('multi:a');
    b = uniqueName('multi:b');
  });
  afterEach(() => locks.close());

  it('with a fixed lease do not change the lease of an outer section on one of them', async () => {
    await locks.withLock(a, async (outer) => {
      await locks.withLock(
        [a, b],
        ({ leases }) => {
          expect(leases[1]!.remaining()).toBeLessThanOrEqual(500);
        },
        { lease: 500, renew: false },
      );
      expect(outer.remaining()).toBeGreaterThan(5_000);
      await sleep(600);
      outer.assertHeld();
      expect(outer.signal.aborted).toBe(false);
    });
    await untilIdle(locks);
  });

  it('are all released if a later one cannot be acquired, even those that were joined', async () => {
    await using others = await connectLockService({ url: testRedisUrl() });
    const taken = await others.acquire(b);
    await locks.withLock(a, async (outer) => {
      await expect(locks.acquire([a, b], { wait: 500 })).rejects.toBeInstanceOf(LockBusyError);
      outer.assertHeld();
      expect((await others.inspect(a)).held).toBe(true);
    });
    expect((await others.inspect(a)).held).toBe(false);
    await taken.release();
    await untilIdle(locks, others);
  });

  it('abort their signal when the first of them is lost', async () => {
    const both = await locks.acquire([a, b]);
    const { signal } = both;
    const extended = both.leases[0]!.extend(20_000);
    await extended;
    expect(signal.aborted).toBe(false);
    await locks.forceRelease(a);
    await expect(both.extend(25_000)).rejects.toMatchObject({ code: 'LOCK_LOST', lockName: a });
    expect(signal.aborted).toBe(true);
    expect(signal.reason).toMatchObject({ code: 'LOCK_LOST', lockName: a });
    expect(() => both.assertHeld()).toThrow(`"${a}"`);
    expect(both.remaining()).toBe(0);
    await expect(both.release()).resolves.toBe('lost');
    await untilIdle(locks);
  });

  it('share one wait', async () => {
    await using others = await connectLockService({ url: testRedisUrl() });
    const first = await others.acquire(a);
    const second = await others.acquire(b);
    const waiting = locks.acquire([a, b], { wait: 1_000 }).catch((error: unknown) => error);
    await sleep(500);
    await first.release();
    const error = await waiting;
    expect(error).toBeInstanceOf(LockBusyError);
    expect((error as LockBusyError).lockName).toBe(b);
    // What was left of it for the second, not all of it again.
    expect((error as LockBusyError).waitedMs).toBeLessThan(1_000);
    await second.release();
    await untilIdle(locks, others);
  });

  it('are acquired again if one is lost while waiting for a later one', async () => {
    await using others = await connectLockService({ url: testRedisUrl() });
    await using quick = await connectLockService({ url: testRedisUrl(), lease: 600 });
    const taken = await others.acquire(b);
    const waiting = quick.acquire([a, b]);
    const before = await waitUntil('the first is held', async () => {
      const state = await others.inspect(a);
      return state.held ? state : undefined;
    });
    await others.forceRelease(a);
    // A renewal comes at a third of the lease.
    await sleep(500);
    await taken.release();
    const both = await waiting;
    both.assertHeld();
    expect((await others.inspect(a)).owner).not.toBe(before!.owner);
    await expect(both.release()).resolves.toBe('released');
    await untilIdle(quick, others);
  });

  it('need at least one name', async () => {
    await expect(locks.acquire([])).rejects.toBeInstanceOf(LockNameError);
  });
});
