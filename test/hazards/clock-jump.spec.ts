import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { connectLockService, type LockService } from 'nestjs-redis-lock';
import { testRedisUrl, uniqueName } from '../support/test-redis.js';
import { untilIdle } from '../support/until-idle.js';
import { waitUntil } from '../support/wait-until.js';

const HOUR = 3_600_000;

describe('a wall clock that is set', () => {
  const url = testRedisUrl();
  const trueNow = Date.now.bind(Date);
  let locks: LockService;
  let name: string;

  beforeEach(async () => {
    locks = await connectLockService({ url, lease: 1_500 });
    name = uniqueName('clock');
    // The library takes a clock that is replaced for another one, and goes on where the old one was. This one is set.
    setClock(0);
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await locks.close();
  });

  const setClock = (byMs: number): void => {
    jest.spyOn(Date, 'now').mockImplementation(() => trueNow() + byMs);
  };

  it('forward past the lease ends the lease early, as after a sleep of the machine', async () => {
    const lease = await locks.acquire(name);
    setClock(HOUR);
    expect(lease.remaining()).toBe(0);
    expect(() => lease.assertHeld()).toThrow('was lost');
    expect(lease.signal.aborted).toBe(true);
    await lease.release();
    await untilIdle(locks);
  });

  it('forward past the lease is detected without a check by the section, long before the next renewal', async () => {
    await using long = await connectLockService({ url, lease: 60_000 });
    const lease = await long.acquire(name);
    const { signal } = lease;
    setClock(HOUR);
    await waitUntil('the signal aborts', () => signal.aborted, 10_000);
    expect(signal.reason).toMatchObject({ code: 'LOCK_LOST', reason: 'expired' });
    await lease.release();
    await untilIdle(long);
  });

  it('back does not make a fixed lease last longer than Redis keeps it', async () => {
    await using others = await connectLockService({ url });
    const lease = await locks.acquire(name, { lease: 600, renew: false });
    setClock(-HOUR);
    const next = await others.acquire(name, { wait: 20_000 });
    expect(lease.remaining()).toBe(0);
    expect(lease.signal.aborted).toBe(true);
    await next.release();
    await lease.release();
    await untilIdle(others);
  });

  it('back does not keep a lease from being renewed', async () => {
    const lease = await locks.acquire(name);
    setClock(-HOUR);
    await sleep(2_500);
    lease.assertHeld();
    setClock(-2 * HOUR);
    await sleep(1_000);
    lease.assertHeld();
    await expect(lease.release()).resolves.toBe('released');
    await untilIdle(locks);
  });

  it('forward by less than the lease shortens it by that time, until the next renewal', async () => {
    await using long = await connectLockService({ url, lease: 60_000 });
    const lease = await long.acquire(name);
    setClock(30_000);
    expect(lease.remaining()).toBeLessThan(30_000);
    expect(lease.remaining()).toBeGreaterThan(0);
    await lease.extend(60_000);
    expect(lease.remaining()).toBeGreaterThan(50_000);
    await expect(lease.release()).resolves.toBe('released');
  });

  it('does not change the length of a wait, and grants no lock too early', async () => {
    await using others = await connectLockService({ url });
    const lease = await others.acquire(name);
    const waiting = locks.acquire(name, { wait: 3_000 }).catch((error: unknown) => error);
    await sleep(100);
    setClock(HOUR);
    await sleep(300);
    expect(locks.stats().waiting).toBe(1);
    setClock(-HOUR);
    expect(await waiting).toMatchObject({ code: 'LOCK_BUSY' });
    jest.restoreAllMocks();
    await lease.release();
    await untilIdle(locks);
  });
});
