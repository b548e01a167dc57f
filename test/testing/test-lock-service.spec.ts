import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  currentLease,
  LeaderElection,
  LockBusyError,
  LockUnavailableError,
  runOnce,
  type Lease,
  type LockMode,
  type LockService,
} from 'nestjs-redis-lock';
import { createTestLockService, type TestLockService } from 'nestjs-redis-lock/testing';
import { once } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';

const MINUTE = 60_000;

let locks: TestLockService;

beforeEach(() => {
  locks = createTestLockService();
});
afterEach(async () => {
  locks.reset();
  await locks.close();
});

/** The code of the error of a caller; `null` if it gets the lock. */
function refusalOf(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => null,
    (error: unknown) => (error as { code: unknown }).code,
  );
}

/** Ways to take a lock of each kind. */
const KINDS: Readonly<Record<string, (service: LockService, wait?: number) => Promise<Lease>>> = {
  ...Object.fromEntries(
    (['exclusive', 'fair', 'read', 'write'] as LockMode[]).map((mode) => [
      `${mode} lock`,
      (service: LockService, wait = 10_000) => service.acquire('a', { mode, wait, nested: 'wait' }),
    ]),
  ),
  semaphore: (service, wait = 10_000) => service.semaphore('a', { permits: 1 }).acquire({ wait, nested: 'wait' }),
};

describe.each(Object.entries(KINDS))('a test lock service with a %s', (kind, take) => {
  it('makes it busy for callers that wait and for those that do not, until reset', async () => {
    locks.makeBusy('a');
    const started = performance.now();
    await expect(take(locks)).rejects.toMatchObject({ code: 'LOCK_BUSY', reason: 'held', remainingMs: 30_000 });
    const busy = await take(locks).catch((error: unknown) => error as LockBusyError);
    expect(busy).toBeInstanceOf(LockBusyError);
    expect((busy as LockBusyError).waitedMs).toBeGreaterThanOrEqual(10_000);
    expect(performance.now() - started).toBeLessThan(20_000);
    expect(await refusalOf(take(locks, 0))).toBe('LOCK_BUSY');

    locks.reset();
    await using lease = await take(locks);
    expect(lease.remaining()).toBeGreaterThan(0);
  });

  it('makes it busy for as many callers as the test wants', async () => {
    locks.makeBusy('a', { times: 2 });
    expect(await refusalOf(take(locks))).toBe('LOCK_BUSY');
    expect(await refusalOf(take(locks, 0))).toBe('LOCK_BUSY');
    await using lease = await take(locks, 0);
    expect(lease.remaining()).toBeGreaterThan(0);
  });

  it('makes Redis unavailable for as many callers as the test wants, and leaves holders alone', async () => {
    await using held = await locks.acquire('held');
    locks.makeUnavailable({ times: 2 });
    await expect(take(locks)).rejects.toMatchObject({ code: 'LOCK_UNAVAILABLE', lockName: 'a', retryable: true });
    // Until the queue has no request in flight, a caller that does not wait gets the error of the one before.
    await turn();
    expect(await refusalOf(take(locks, 0))).toBe('LOCK_UNAVAILABLE');
    await turn();
    await using lease = await take(locks, 0);
    await locks.advanceTime(MINUTE);
    expect(lease.remaining()).toBeGreaterThan(0);
    expect(held.remaining()).toBeGreaterThan(0);
  });

  it.each(['taken', 'expired'] as const)('makes its holder lose it: %s', async (reason) => {
    const lease = await take(locks);
    const other = await locks.acquire('b');
    const aborted = once(lease.signal, 'abort');
    await locks.loseLock('a', reason);
    await aborted;
    expect(lease.signal.reason).toMatchObject({ code: 'LOCK_LOST', reason, lockName: 'a', token: lease.token });
    expect(() => {
      lease.assertHeld();
    }).toThrow(lease.signal.reason as Error);
    expect(await lease.release()).toBe('lost');

    expect(other.signal.aborted).toBe(false);
    await other.release();
    locks.reset();
    await using again = await take(locks, 0);
    expect(again.token).toBeGreaterThanOrEqual(lease.token);
  });

  it('lets a replica hold it', async () => {
    await using replica = locks.replica();
    // Two callers may read at a time.
    const held = await (kind === 'read lock' ? replica.acquire('a', { mode: 'write' }) : take(replica));
    expect(await refusalOf(take(locks, 0))).toBe('LOCK_BUSY');
    if (kind !== 'semaphore') expect(await locks.inspect('a')).toMatchObject({ holder: { pid: process.pid } });
    const waiting = take(locks);
    await turn();
    expect(locks.stats().waiting).toBe(1);
    await held.release();
    await using lease = await waiting;
    expect(lease.remaining()).toBeGreaterThan(0);
  });
});

describe('makeBusy()', () => {
  it('affects one name only, and leaves a holder its lock', async () => {
    const lease = await locks.acquire('a');
    locks.makeBusy('a');
    expect(await refusalOf(locks.acquire('a', { nested: 'wait', wait: 0 }))).toBe('LOCK_BUSY');
    expect(lease.signal.aborted).toBe(false);
    await lease.release();
    await locks.withLock('b', () => undefined);
    expect(await refusalOf(locks.acquire(['b', 'a']))).toBe('LOCK_BUSY');
    expect(await locks.inspect('b')).toMatchObject({ held: false });
  });

  it('closes a latch', async () => {
    const latch = locks.latch('start');
    locks.makeBusy('start', { times: 1 });
    await expect(latch.wait()).rejects.toMatchObject({ code: 'LOCK_BUSY' });
    await latch.wait();
  });

  it('keeps a candidate from leading until reset', async () => {
    locks.makeBusy('outbox');
    const election = new LeaderElection(locks, 'outbox');
    const end = new AbortController();
    const led = new Promise<void>((resolve) => {
      const campaign = election.lead(
        () => {
          resolve();
          end.abort();
        },
        { signal: end.signal },
      );
      campaign.catch(() => undefined);
    });
    await locks.advanceTime(MINUTE);
    expect(election.isLeader).toBe(false);
    locks.reset();
    await locks.advanceTime(10_000);
    await led;
  });

  it.each([0, -1, 1.5, Number.NaN])('rejects %s times', (times) => {
    expect(() => {
      locks.makeBusy('a', { times });
    }).toThrow('"times" must be a whole number');
    expect(() => {
      locks.makeUnavailable({ times });
    }).toThrow('"times" must be a whole number');
  });
});

describe('makeUnavailable()', () => {
  it('fails every request until reset: leases are not renewed, and end', async () => {
    const lease = await locks.acquire('a');
    locks.makeUnavailable();
    await expect(locks.inspect('a')).rejects.toBeInstanceOf(LockUnavailableError);
    await expect(locks.semaphore('s', { permits: 1 }).inspect()).rejects.toBeInstanceOf(LockUnavailableError);
    await expect(locks.latch('l').count()).rejects.toBeInstanceOf(LockUnavailableError);
    expect(await refusalOf(locks.acquire('b', { wait: 0 }))).toBe('LOCK_UNAVAILABLE');
    expect(lease.signal.aborted).toBe(false);

    await locks.advanceTime(30_000);
    expect(lease.signal.reason).toMatchObject({ code: 'LOCK_LOST', reason: 'expired' });
    await lease.release();
    locks.reset();
    await using again = await locks.acquire('a');
    expect(again.remaining()).toBeGreaterThan(0);
  });

  it('lets a release be repeated after reset', async () => {
    const lease = await locks.acquire('a');
    locks.makeUnavailable();
    expect(await lease.release()).toBe('unconfirmed');
    locks.reset();
    await locks.advanceTime(5_000);
    expect(await locks.inspect('a')).toMatchObject({ held: false });
    expect(locks.stats().unsettled).toBe(0);
  });
});

describe('loseLock()', () => {
  it('rejects if no caller holds the lock', async () => {
    await expect(locks.loseLock('a')).rejects.toMatchObject({ code: 'LOCK_CONFIG', lockName: 'a' });
    await locks.withLock('a', () => undefined);
    await expect(locks.loseLock('a')).rejects.toMatchObject({ code: 'LOCK_CONFIG' });
  });

  it('lets only the time pass that the holder needs to learn of it', async () => {
    await using fixed = await locks.acquire('fixed', { lease: 20_000, renew: false });
    await using lease = await locks.acquire('a', { lease: 30_000 });
    await locks.loseLock('a', 'taken');
    expect(lease.signal.aborted).toBe(true);
    // A third of the lease has passed.
    expect(fixed.remaining()).toBeGreaterThan(1_000);
    expect(fixed.remaining()).toBeLessThan(11_000);
  });

  it('ends a lease that is not renewed', async () => {
    await using lease = await locks.acquire('a', { renew: false });
    await locks.loseLock('a');
    expect(lease.signal.reason).toMatchObject({ reason: 'expired' });
  });

  it('is noticed by the code of a section', async () => {
    const section = locks.withLock('a', async ({ signal }) => {
      expect(currentLease()?.name).toBe('a');
      await once(signal, 'abort');
      signal.throwIfAborted();
    });
    const outcome = expect(section).rejects.toMatchObject({ code: 'LOCK_LOST', reason: 'taken' });
    await locks.loseLock('a');
    await outcome;
  });
});

describe('advanceTime()', () => {
  it('renews leases, and ends those that are not renewed, in the order of their times', async () => {
    const events: string[] = [];
    await using kept = await locks.acquire('kept');
    for (const [name, lease] of [
      ['long', 40_000],
      ['short', 20_000],
    ] as const) {
      const fixed = await locks.acquire(name, { lease, renew: false });
      fixed.signal.addEventListener('abort', () => events.push(name));
    }
    const waiting = locks.acquire('kept', { wait: 30_000, nested: 'wait' }).catch(() => events.push('busy'));
    await locks.advanceTime(10_000);
    expect(events).toEqual([]);
    await locks.advanceTime(MINUTE);
    await waiting;
    expect(events).toEqual(['short', 'busy', 'long']);
    expect(kept.remaining()).toBeGreaterThan(15_000);
  });

  it('grants a lock whose holder has died', async () => {
    await using replica = locks.replica();
    await replica.acquire('a', { lease: 5_000, renew: false });
    const waiting = locks.acquire('a');
    await locks.advanceTime(4_000);
    expect(locks.stats().waiting).toBe(1);
    await locks.advanceTime(1_100);
    await using lease = await waiting;
    expect(lease.remaining()).toBeGreaterThan(0);
  });

  it('begins the next firing of a job', async () => {
    const fire = () => runOnce(locks, 'prices', () => 'run', { window: 30_000 });
    expect(await fire()).toMatchObject({ ran: true });
    expect(await fire()).toMatchObject({ ran: false, reason: 'ran' });
    await locks.advanceTime(31_000);
    expect(await fire()).toMatchObject({ ran: true });
  });

  it('rejects what is not a time', async () => {
    await expect(locks.advanceTime(-1)).rejects.toMatchObject({ code: 'LOCK_CONFIG' });
  });
});
