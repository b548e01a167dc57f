import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  currentLease,
  LockAbortedError,
  LockBusyError,
  LockConfigError,
  LockLostError,
  LockNameError,
  LockShutdownError,
  type Lease,
  type LockSettings,
} from 'nestjs-redis-lock';
import { EXCLUSIVE, type Locks, type Subject } from '../support/subjects.js';
import { untilIdle } from '../support/until-idle.js';
import { waitUntil } from '../support/wait-until.js';
import type { Backend } from './backend.js';
import { itHasWhatOnlyExclusiveLocksHave } from './exclusive-conformance.js';

/**
 * What every store has to keep, whatever it is made of, for each kind of lock that one caller at a time holds. What only
 * exclusive locks have is in `exclusive-conformance.ts`.
 */
export function describeLockConformance(
  label: string,
  openBackend: () => Promise<Backend>,
  subject: Subject = EXCLUSIVE,
): void {
  const isExclusive = subject === EXCLUSIVE;

  describe(`${isExclusive ? 'locks' : subject.label} on ${label}`, () => {
    let backend: Backend;
    let here: Locks;
    let there: Locks;
    let name: string;
    const open = async (settings?: LockSettings): Promise<Locks> => subject.of(await backend.open(settings));

    beforeAll(async () => {
      backend = await openBackend();
      here = await open();
      there = await open();
    });
    beforeEach(() => {
      name = `conformance:${randomUUID()}`;
    });
    afterAll(async () => {
      // On a busy machine, releases of callers that left may still be under way.
      await untilIdle(here, there);
      await backend.close();
    }, 90_000);

    describe('acquiring and releasing', () => {
      it('lets one caller in at a time, across replicas and within one', async () => {
        let inside = 0;
        let most = 0;
        let sections = 0;
        const section = async (): Promise<void> => {
          inside += 1;
          most = Math.max(most, inside);
          await sleep(1);
          inside -= 1;
          sections += 1;
        };
        const callers = Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? here : there));
        await Promise.all(callers.map((locks) => locks.withLock(name, section)));
        expect({ most, sections }).toEqual({ most: 1, sections: 20 });
      });

      it('passes on the result and the error of the section unchanged', async () => {
        await expect(here.withLock(name, () => 'result')).resolves.toBe('result');
        const error = new TypeError('of the section');
        await expect(here.withLock(name, () => Promise.reject(error))).rejects.toBe(error);
        const thrower = (): never => {
          throw error;
        };
        await expect(here.withLock(name, thrower)).rejects.toBe(error);
        expect(await here.isHeld(name)).toBe(false);
      });

      it('resolves tryAcquire with null at once if the lock is taken, in this process or another', async () => {
        const lease = await here.acquire(name);
        expect(await here.tryAcquire(name)).toBeNull();
        expect(await there.tryAcquire(name)).toBeNull();
        await lease.release();
        const second = await there.tryAcquire(name);
        expect(second?.name).toBe(name);
        await second?.release();
      });

      it('reports the waiting time and the remaining time of the holder when the wait ends', async () => {
        const lease = await here.acquire(name);
        const error = await there.acquire(name, { wait: 300 }).catch((e: unknown) => e);
        expect(error).toBeInstanceOf(LockBusyError);
        const busy = error as LockBusyError;
        expect(busy.lockName).toBe(name);
        expect(busy.code).toBe('LOCK_BUSY');
        expect(busy.waitedMs).toBeGreaterThanOrEqual(300);
        expect(busy.remainingMs).toBeGreaterThan(0);
        expect(busy.remainingMs).toBeLessThanOrEqual(30_000);
        await lease.release();
      });

      it('releases once, even if it is called several times', async () => {
        const lease = await here.acquire(name);
        await expect(lease.release()).resolves.toBe('released');
        const next = await there.acquire(name);
        await expect(lease.release()).resolves.toBe('released');
        expect(await there.isHeld(name)).toBe(true);
        expect(() => lease.assertHeld()).toThrow(LockLostError);
        await expect(lease.extend(1_000)).rejects.toBeInstanceOf(LockLostError);
        expect(lease.remaining()).toBe(0);
        await expect(next.release()).resolves.toBe('released');
      });

      it('releases at the end of an `await using` block', async () => {
        {
          await using lease = await here.acquire(name);
          expect(await there.isHeld(lease.name)).toBe(true);
        }
        expect(await there.isHeld(name)).toBe(false);
      });
    });

    describe('fencing tokens', () => {
      it('grow with every lease, across replicas, hand-overs and a flush', async () => {
        const tokens: number[] = [];
        const take = async (locks: Locks): Promise<void> => {
          await locks.withLock(name, ({ token }) => tokens.push(token));
        };
        for (const locks of [here, there, here, there]) await take(locks);
        await Promise.all([here, here, here, there, there].map(take));
        await backend.flush();
        for (const locks of [there, here]) await take(locks);
        expect(tokens).toHaveLength(11);
        expect(tokens).toEqual([...new Set(tokens)].sort((a, b) => a - b));
        expect(tokens.every(Number.isSafeInteger)).toBe(true);
      });
    });

    describe('waiting', () => {
      it('serves the callers of one process in the order of their requests', async () => {
        const order: number[] = [];
        const lease = await here.acquire(name);
        const waiting = [1, 2, 3, 4, 5].map((n) => here.withLock(name, () => order.push(n)));
        await lease.release();
        await Promise.all(waiting);
        expect(order).toEqual([1, 2, 3, 4, 5]);
      });

      it('notifies a waiter of another process when the lock is released, not when its lease ends', async () => {
        const lease = await here.acquire(name);
        const waiting = there.acquire(name, { wait: 20_000 });
        await waitUntil('the other replica waits', () => there.stats().waiting === 1);
        await sleep(50);
        await lease.release();
        const next = await waiting;
        expect(next.token).toBeGreaterThan(lease.token);
        await next.release();
      });

      it('acquires a lock after its holder let the lease end', async () => {
        const lease = await here.acquire(name, { lease: 150, renew: false });
        const next = await there.acquire(name);
        expect(lease.remaining()).toBe(0);
        expect(lease.signal.aborted).toBe(true);
        await expect(lease.release()).resolves.toBe('lost');
        expect(() => next.assertHeld()).not.toThrow();
        await next.release();
      });

      it('acquires a lock after its holder shortened the lease and let it end', async () => {
        const lease = await here.acquire(name, { lease: 25_000, renew: false });
        const waiting = there.acquire(name, { wait: 20_000 });
        await waitUntil('the other replica waits', () => there.stats().waiting === 1);
        await sleep(50);
        await lease.extend(600);
        const next = await waiting;
        expect(next.token).toBeGreaterThan(lease.token);
        await expect(lease.release()).resolves.toBe('lost');
        await next.release();
      });

      it('stops waiting when the signal aborts: before, during and after the wait', async () => {
        await expect(here.acquire(name, { signal: AbortSignal.abort('no') })).rejects.toMatchObject({
          code: 'LOCK_ABORTED',
          cause: 'no',
        });
        const lease = await here.acquire(name);
        for (const locks of [here, there]) {
          const abort = new AbortController();
          const waiting = locks.acquire(name, { signal: abort.signal });
          const failed = expect(waiting).rejects.toBeInstanceOf(LockAbortedError);
          await sleep(5);
          abort.abort();
          await failed;
        }
        await lease.release();
        const late = new AbortController();
        const held = await here.acquire(name, { signal: late.signal });
        late.abort();
        expect(held.signal.aborted).toBe(false);
        await held.release();
      });

      it('serves a waiter although the waits of those before and after it end', async () => {
        const lease = await here.acquire(name);
        const abort = new AbortController();
        const served: string[] = [];
        const all = [
          here.withLock(name, () => served.push('a'), { signal: abort.signal }),
          here.withLock(name, () => served.push('b')),
          here.withLock(name, () => served.push('c'), { wait: 500 }),
          here.withLock(name, () => served.push('d')),
        ].map((promise) =>
          promise.then(
            () => 'served',
            (error: unknown) => (error as Error).name,
          ),
        );
        expect(await all[2]).toBe('LockBusyError');
        abort.abort();
        await lease.release();
        expect(await Promise.all(all)).toEqual(['LockAbortedError', 'served', 'LockBusyError', 'served']);
        expect(served).toEqual(['b', 'd']);
        expect(await there.isHeld(name)).toBe(false);
      });

      it('releases a lock that is granted after all waiters have left', async () => {
        const leaving = Array.from({ length: 10 }, () => {
          const abort = new AbortController();
          const attempt = here.acquire(name, { signal: abort.signal });
          abort.abort();
          return attempt;
        });
        const results = await Promise.allSettled(leaving);
        expect(results.every(({ status }) => status === 'rejected')).toBe(true);
        const lease = await there.acquire(name);
        expect(lease.name).toBe(name);
        await lease.release();
      });

      it('rejects one waiter more than maxWaiting', async () => {
        const narrow = await open({ maxWaiting: 2 });
        const lease = await there.acquire(name);
        const waiting = [narrow.withLock(name, () => 1), narrow.withLock(name, () => 2)];
        await expect(narrow.acquire(name)).rejects.toMatchObject({ code: 'LOCK_BUSY', reason: 'crowded' });
        await lease.release();
        expect(await Promise.all(waiting)).toEqual([1, 2]);
      });

      it('lets another replica in while one replica always has waiting callers', async () => {
        const greedy = await open({ handOverTime: 20 });
        let stop = false;
        let before = 0;
        const callers = Array.from({ length: 4 }, async () => {
          while (!stop) {
            await greedy.withLock(name, () => sleep(2));
            before += 1;
          }
        });
        await waitUntil('the greedy ones are at it', () => before > 5);
        const lease = await there.acquire(name, { wait: 20_000 });
        stop = true;
        await lease.release();
        await Promise.all(callers);
      });
    });

    describe('leases', () => {
      it('renews a lease while it is held', async () => {
        const short = await open({ lease: 3_000 });
        const lease = await short.acquire(name);
        await sleep(4_000);
        lease.assertHeld();
        expect(await there.tryAcquire(name)).toBeNull();
        expect(lease.signal.aborted).toBe(false);
        await expect(lease.release()).resolves.toBe('released');
      });

      it('renews a lease to the length that the caller chose', async () => {
        const lease = await here.acquire(name, { lease: 3_000 });
        await sleep(4_000);
        lease.assertHeld();
        expect(lease.remaining()).toBeLessThanOrEqual(3_000);
        await expect(there.acquire(name, { wait: 0 })).rejects.toMatchObject({ code: 'LOCK_BUSY' });
        const busy = (await there.acquire(name, { wait: 0 }).catch((e: unknown) => e)) as LockBusyError;
        expect(busy.remainingMs).toBeLessThanOrEqual(3_000);
        await expect(lease.release()).resolves.toBe('released');
      });

      it('takes `renew` from the service unless the call has its own', async () => {
        const once = await open({ lease: 3_000, renew: false });
        const ends = await once.acquire(name);
        await waitUntil('the lease is over', () => ends.signal.aborted);
        await expect(ends.release()).resolves.toBe('lost');
        const lasts = await once.acquire(name, { renew: true });
        await sleep(4_000);
        lasts.assertHeld();
        await expect(lasts.release()).resolves.toBe('released');
      });

      it('never renews a fixed lease, and aborts its signal at the end', async () => {
        const lease = await here.acquire(name, { lease: 200, renew: false });
        const lost = await new Promise((resolve) => {
          lease.signal.addEventListener('abort', () => resolve(lease.signal.reason), { once: true });
        });
        expect(lost).toBeInstanceOf(LockLostError);
        expect(lost).toMatchObject({ lockName: name, token: lease.token, reason: 'expired' });
        expect(() => lease.assertHeld()).toThrow(LockLostError);
        await expect(lease.release()).resolves.toBe('lost');
      });

      it('extends a fixed lease', async () => {
        const lease = await here.acquire(name, { lease: 200, renew: false });
        await lease.extend(60_000);
        expect(lease.remaining()).toBeGreaterThan(50_000);
        await sleep(250);
        lease.assertHeld();
        expect(await there.tryAcquire(name)).toBeNull();
        await lease.release();
      });

      it('passes on the value or the error of a section that lost its lock', async () => {
        const outlive = (lease: Lease): Promise<void> =>
          waitUntil('it is lost', () => lease.signal.aborted).then(() => {});
        await expect(
          here.withLock(name, (l) => outlive(l).then(() => 'value'), { lease: 50, renew: false }),
        ).resolves.toBe('value');
        const error = new RangeError('of the section');
        const failing = here.withLock(name, (l) => outlive(l).then(() => Promise.reject(error)), {
          lease: 50,
          renew: false,
        });
        await expect(failing).rejects.toBe(error);
      });

      it('keeps the lock for holdAtLeast after the work is done', async () => {
        const started = performance.now();
        await here.withLock(name, () => undefined, { holdAtLeast: 400 });
        expect(await there.tryAcquire(name)).toBeNull();
        expect(await here.tryAcquire(name)).toBeNull();
        const lease = await there.acquire(name);
        expect(performance.now() - started).toBeGreaterThanOrEqual(390);
        await lease.release();
      });
    });

    describe('nested calls', () => {
      it('join the lease of the section they are made in', async () => {
        await here.withLock(name, async (outer) => {
          await here.withLock(name, (inner) => {
            expect(inner.token).toBe(outer.token);
            expect(currentLease()?.token).toBe(outer.token);
          });
          expect(await there.tryAcquire(name)).toBeNull();
          const joined = await here.acquire(name);
          await joined.release();
          outer.assertHeld();
        });
        expect(currentLease()).toBeUndefined();
        expect(await there.isHeld(name)).toBe(false);
      });

      it('keep the lock until the last of them has ended, awaited or not', async () => {
        let finish = (): void => undefined;
        const gate = new Promise<void>((resolve) => (finish = resolve));
        let inner: Promise<void> | undefined;
        await here.withLock(name, () => {
          inner = here.withLock(name, () => gate);
        });
        expect(await there.tryAcquire(name)).toBeNull();
        finish();
        await inner;
        expect(await there.isHeld(name)).toBe(false);
      });

      it("are rejected with nested: 'refuse'", async () => {
        await here.withLock(name, async () => {
          const attempt = here.acquire(name, { nested: 'refuse' });
          await expect(attempt).rejects.toMatchObject({ code: 'LOCK_BUSY', reason: 'nested' });
        });
      });

      it('are distinguished from calls outside of the section', async () => {
        const lease = await here.acquire(name);
        await here.withLock(`${name}:other`, async () => {
          expect(await here.tryAcquire(name)).toBeNull();
        });
        await lease.release();
      });
    });

    describe('bad input', () => {
      it.each([[''], [undefined], [null], [7], [{}], ['x'.repeat(513)], ['\ud800'], [[]], [['a', '']]])(
        'rejects the name %p',
        async (bad) => {
          await expect(here.acquire(bad as string)).rejects.toBeInstanceOf(LockNameError);
          await expect(here.withLock(bad as string, () => undefined)).rejects.toBeInstanceOf(LockNameError);
        },
      );

      it.each([
        [{ wait: -1 }],
        [{ wait: Number.NaN }],
        [{ wait: 1.5 }],
        [{ wait: 2 ** 31 }],
        [{ lease: 0 }],
        [{ lease: -5 }],
        [{ lease: Infinity }],
        [{ lease: 'forever' }],
        [{ holdAtLeast: -1 }],
        [{ lease: 100, renew: false, holdAtLeast: 200 }],
        [{ lease: 'renew' }],
        [{ renew: 'no' }],
        [{ signal: {} }],
        [{ nested: 'never' }],
        [{ reentrant: false }],
        [{ wiat: 5 }],
        [null],
      ])('rejects the options %j', async (bad) => {
        await expect(here.acquire(name, bad as never)).rejects.toBeInstanceOf(LockConfigError);
      });

      it('rejects an invalid length in extend, and keeps the lease', async () => {
        const lease = await here.acquire(name);
        await expect(lease.extend(Number.NaN)).rejects.toBeInstanceOf(LockConfigError);
        lease.assertHeld();
        await lease.release();
      });
    });

    describe('closing', () => {
      it('rejects waiting and new callers, and lets a running section end', async () => {
        const closing = await open();
        const lease = await there.acquire(name);
        const waiting = closing.acquire(name);
        const refused = expect(waiting).rejects.toBeInstanceOf(LockShutdownError);
        let finish = (): void => undefined;
        const gate = new Promise<void>((resolve) => (finish = resolve));
        const running = closing.withLock(`${name}:running`, async () => {
          await gate;
          // What joins a lease already held needs no new lock.
          return closing.withLock(`${name}:running`, () => 'done');
        });
        await waitUntil('the section runs', () => closing.stats().held === 1);
        let closed = false;
        const close = closing.close().then(() => (closed = true));
        await refused;
        await expect(closing.acquire(`${name}:new`)).rejects.toBeInstanceOf(LockShutdownError);
        await sleep(20);
        expect(closed).toBe(false);
        finish();
        await expect(running).resolves.toBe('done');
        await close;
        expect(await there.isHeld(`${name}:running`)).toBe(false);
        await lease.release();
      });

      it('aborts the signal of a section that does not end, and lets its lease expire', async () => {
        const closing = await open({ shutdownTimeout: 50, lease: 3_000 });
        const lease = await closing.acquire(name);
        await closing.close();
        expect(lease.signal.aborted).toBe(true);
        expect(lease.signal.reason).toBeInstanceOf(LockShutdownError);
        expect(await there.isHeld(name)).toBe(true);
        const next = await there.acquire(name);
        await next.release();
      });
    });

    if (isExclusive)
      itHasWhatOnlyExclusiveLocksHave(() => ({ here: here.service, there: there.service, name, backend }));
  });
}
