import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { createTestLockService, type TestLockService } from 'nestjs-redis-lock/testing';
import { waitUntil } from '../support/wait-until.js';

type Fakes = NonNullable<Parameters<typeof jest.useFakeTimers>[0]>;

const FAKES: Readonly<Record<string, Fakes>> = {
  "all of Jest's fakes": {},
  'fakes that leave the monotonic clock alone': { doNotFake: ['performance', 'hrtime', 'nextTick', 'queueMicrotask'] },
  'fake timers without a fake clock': { doNotFake: ['performance', 'hrtime', 'Date', 'nextTick', 'queueMicrotask'] },
  "Jest's legacy fakes": { legacyFakeTimers: true },
};
const MINUTE = 60_000;

describe.each(Object.entries(FAKES))('virtual time and %s', (_label, fakes) => {
  let locks: TestLockService;
  const busy = (wait: number) =>
    locks.acquire('a', { wait, nested: 'wait' }).then(
      () => 'granted',
      (error: unknown) => (error as { code: unknown }).code,
    );

  beforeEach(() => {
    locks = createTestLockService();
  });
  afterEach(async () => {
    jest.useRealTimers();
    await locks.close();
  });

  it('passes while the fakes are installed, and after they were removed', async () => {
    await using lease = await locks.acquire('a');
    for (const install of [() => jest.useFakeTimers(fakes), () => jest.useRealTimers()]) {
      install();
      const waiting = busy(MINUTE);
      await locks.advanceTime(MINUTE - 5_000);
      expect(locks.stats().waiting).toBe(1);
      await locks.advanceTime(5_000);
      expect(await waiting).toBe('LOCK_BUSY');
      expect(lease.remaining()).toBeGreaterThan(15_000);
    }
  });

  it.each([
    ['installed', () => jest.useFakeTimers(fakes)],
    ['removed', () => jest.useRealTimers()],
  ])('continues when the fakes are %s while a caller waits and a lease runs', async (change, install) => {
    if (change === 'removed') jest.useFakeTimers(fakes);
    const lease = await locks.acquire('a', { lease: 2 * MINUTE, renew: false });
    const waiting = busy(MINUTE);
    await locks.advanceTime(MINUTE / 2);
    install();
    await locks.advanceTime(MINUTE / 2 - 5_000);
    expect(locks.stats().waiting).toBe(1);
    await locks.advanceTime(5_000);
    expect(await waiting).toBe('LOCK_BUSY');
    expect(lease.remaining()).toBeGreaterThan(MINUTE / 2);
    await locks.advanceTime(MINUTE);
    expect(lease.signal.aborted).toBe(true);
    await lease.release();
  });

  it('adds up with the time of the fakes', async () => {
    jest.useFakeTimers(fakes);
    const lease = await locks.acquire('a', { lease: MINUTE, renew: false });
    await locks.advanceTime(40_000);
    jest.advanceTimersByTime(10_000);
    await sleep(5);
    expect(lease.signal.aborted).toBe(false);
    jest.advanceTimersByTime(10_000);
    // Fakes without a clock show the time only when a timer fires.
    await waitUntil('the lease has ended', () => lease.signal.aborted);
    await lease.release();
  });

  it('leaves the timers and the clock of the code under test alone', async () => {
    jest.useFakeTimers(fakes);
    const before = Date.now();
    const onTime = jest.fn();
    setTimeout(onTime, 1_000);
    await locks.advanceTime(MINUTE);
    expect(onTime).not.toHaveBeenCalled();
    expect(Date.now() - before).toBeLessThan(MINUTE);
    jest.advanceTimersByTime(1_000);
    expect(onTime).toHaveBeenCalledTimes(1);
  });

  it('passes for callers of a busy lock, and until a lock is lost', async () => {
    jest.useFakeTimers(fakes);
    locks.makeBusy('a', { times: 1 });
    expect(await busy(MINUTE)).toBe('LOCK_BUSY');
    const lease = await locks.acquire('a');
    await locks.loseLock('a');
    expect(lease.signal.reason).toMatchObject({ code: 'LOCK_LOST', reason: 'taken' });
    await lease.release();
  });

  it('ends a wait in real time, too', async () => {
    await using _lease = await locks.acquire('a');
    const waiting = busy(MINUTE);
    await locks.advanceTime(MINUTE - 50);
    jest.useFakeTimers(fakes);
    expect(await waiting).toBe('LOCK_BUSY');
  });
});

it('adds up with the time of a fake monotonic clock', async () => {
  jest.useFakeTimers({ doNotFake: ['Date', 'nextTick', 'setImmediate'] });
  await using locks = createTestLockService();
  // No timer runs for a lock that is only kept.
  await locks.withLock('a', () => undefined, { holdAtLeast: MINUTE });
  const remainingMs = async () => (await locks.inspect('a')).remainingMs;
  await locks.advanceTime(20_000);
  jest.advanceTimersByTime(20_000);
  expect(await remainingMs()).toBeLessThan(30_000);
  await locks.advanceTime(10_000);
  expect(await remainingMs()).toBeLessThan(20_000);
  jest.useRealTimers();
});

it('passes in a module that is loaded while fake timers are installed', async () => {
  jest.resetModules();
  jest.useFakeTimers();
  const { createTestLockService: create } = await import('nestjs-redis-lock/testing');
  const locks = create();
  const lease = await locks.acquire('a', { lease: MINUTE, renew: false });
  await locks.advanceTime(MINUTE);
  expect(lease.signal.aborted).toBe(true);
  jest.useRealTimers();
  await lease.release();
  const next = await locks.acquire('a', { lease: MINUTE, renew: false });
  await locks.advanceTime(MINUTE);
  expect(next.signal.aborted).toBe(true);
  await next.release();
  await locks.close();
});
