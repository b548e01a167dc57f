import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { LockBusyError, LockConfigError, type AcquireOptions, type LockService } from 'nestjs-redis-lock';
import { untilIdle } from '../support/until-idle.js';
import { waitUntil } from '../support/wait-until.js';
import type { Backend } from './backend.js';

const FAIR: AcquireOptions = { mode: 'fair', wait: 20_000 };
/** Shorter than the time after which a waiter looks again by itself: who is served in it was woken. */
const PROMPT_MS = 2_000;

/** What fair locks promise, in every store, in addition to what all locks promise. */
export function describeFairConformance(label: string, openBackend: () => Promise<Backend>): void {
  describe(`fair locks on ${label}`, () => {
    let backend: Backend;
    let here: LockService;
    let there: LockService;
    let name: string;
    let order: string[];

    beforeAll(async () => {
      backend = await openBackend();
      here = await backend.open();
      there = await backend.open();
    }, 60_000);
    beforeEach(() => {
      name = `fair:${randomUUID()}`;
      order = [];
    });
    afterAll(async () => {
      await untilIdle(here, there);
      await backend.close();
    }, 90_000);

    const waits = (locks: LockService, count = 1) =>
      waitUntil(`${count} wait`, () => locks.waiting().some((queue) => queue.name === name && queue.waiting === count));
    /** Until the place of a waiter is in the store, it has sent its request and got the reply. */
    const hasPlace = () => sleep(80);
    /** Begins to wait, and resolves when it has a place. */
    const queue = async (locks: LockService, label: string, options: AcquireOptions = {}) => {
      const served = locks.withLock(name, () => void order.push(label), { ...FAIR, ...options });
      await hasPlace();
      return { served };
    };

    it('serve the callers of all processes in the order of their requests', async () => {
      const held = await here.acquire(name, FAIR);
      const served: Promise<void>[] = [];
      const expected: string[] = [];
      for (let index = 0; index < 12; index += 1) {
        // Two callers of one process in a row, too.
        const caller = await queue(index % 3 === 0 ? here : there, String(index));
        served.push(caller.served);
        expected.push(String(index));
      }
      const released = performance.now();
      await held.release();
      await Promise.all(served);
      expect(order).toEqual(expected);
      expect(performance.now() - released).toBeLessThan(PROMPT_MS);
    });

    it('count the callers that wait, in one entry for each name', async () => {
      const held = await here.acquire(name, FAIR);
      const served = Promise.all([1, 2, 3].map(() => there.withLock(name, () => undefined, FAIR)));
      await waits(there, 3);
      expect(there.stats().waiting).toBe(3);
      await held.release();
      await served;
      expect(there.waiting()).toEqual([]);
    });

    it('are not given to a caller that does not wait while others do', async () => {
      const held = await here.acquire(name, FAIR);
      const first = await queue(there, 'first');
      for (const locks of [here, there]) {
        await expect(locks.acquire(name, { ...FAIR, wait: 0 })).rejects.toBeInstanceOf(LockBusyError);
      }
      await held.release();
      await first.served;
    });

    it.each(['aborts', 'is out of time'])('pass over a caller that %s, at once', async (how) => {
      const held = await here.acquire(name, FAIR);
      const abort = new AbortController();
      const leaving = there.acquire(
        name,
        how === 'aborts' ? { ...FAIR, signal: abort.signal } : { ...FAIR, wait: 300 },
      );
      await hasPlace();
      const next = await queue(here, 'next');
      const last = await queue(there, 'last');
      abort.abort();
      await expect(leaving).rejects.toMatchObject({ code: how === 'aborts' ? 'LOCK_ABORTED' : 'LOCK_BUSY' });
      await waitUntil('its place is given up', () => there.stats().unsettled === 0);
      const released = performance.now();
      await held.release();
      await Promise.all([next.served, last.served]);
      expect(order).toEqual(['next', 'last']);
      expect(performance.now() - released).toBeLessThan(PROMPT_MS);
    });

    it('pass over a caller that leaves while the lock is only kept, when that ends', async () => {
      const held = await here.acquire(name, { ...FAIR, holdAtLeast: 1_000 });
      const abort = new AbortController();
      const leaving = there.acquire(name, { ...FAIR, signal: abort.signal });
      await hasPlace();
      const next = await queue(here, 'next');
      await held.release();
      abort.abort();
      await expect(leaving).rejects.toMatchObject({ code: 'LOCK_ABORTED' });
      const left = performance.now();
      await next.served;
      expect(performance.now() - left).toBeLessThan(PROMPT_MS);
    });

    it('keep the place of a caller for as long as it waits', async () => {
      const held = await here.acquire(name, FAIR);
      const early = await queue(there, 'early');
      // A place lasts 5 s, unless its caller asks again.
      await sleep(5_500);
      const late = await queue(here, 'late');
      await held.release();
      await Promise.all([early.served, late.served]);
      expect(order).toEqual(['early', 'late']);
    });

    it('are the same locks as the exclusive ones, whose callers may overtake', async () => {
      const held = await here.acquire(name, FAIR);
      await expect(there.tryAcquire(name)).resolves.toBeNull();
      expect(await there.inspect(name)).toMatchObject({ held: true, mode: 'exclusive', token: held.token });
      await held.release();
      const exclusive = await there.acquire(name);
      expect(exclusive.token).toBeGreaterThan(held.token);
      const [first, second] = [await queue(here, 'first'), await queue(there, 'second')];
      const released = performance.now();
      await exclusive.release();
      await Promise.all([first.served, second.served]);
      expect(order).toEqual(['first', 'second']);
      expect(performance.now() - released).toBeLessThan(PROMPT_MS);
    });

    it('notify the callers that wait for the exclusive lock when no caller waits in the queue', async () => {
      const held = await here.acquire(name, FAIR);
      const exclusive = there.acquire(name, { wait: 20_000 });
      await hasPlace();
      const released = performance.now();
      await held.release();
      await (await exclusive).release();
      expect(performance.now() - released).toBeLessThan(PROMPT_MS);
    });

    it('notify them also of a lock that is kept when the last caller leaves the queue', async () => {
      const held = await here.acquire(name, { ...FAIR, holdAtLeast: 1_000 });
      const abort = new AbortController();
      const leaving = there.acquire(name, { ...FAIR, signal: abort.signal });
      await hasPlace();
      const exclusive = here.acquire(name, { wait: 20_000 });
      await hasPlace();
      await held.release();
      abort.abort();
      await expect(leaving).rejects.toMatchObject({ code: 'LOCK_ABORTED' });
      const left = performance.now();
      await (await exclusive).release();
      expect(performance.now() - left).toBeLessThan(PROMPT_MS);
    });

    it('are joined by a call inside of their section, in both modes', async () => {
      await here.withLock(
        name,
        async (outer) => {
          for (const mode of ['exclusive', 'fair'] as const) {
            await here.withLock(name, (inner) => expect(inner.token).toBe(outer.token), { mode });
          }
        },
        FAIR,
      );
      await here.withLock(name, () => here.withLock(name, () => undefined, { ...FAIR, wait: 0 }));
    });

    it('refuse callers beyond the limit of one name', async () => {
      const few = await backend.open({ maxWaiting: 2 });
      const held = await here.acquire(name, FAIR);
      const waiting = [1, 2].map(() => few.withLock(name, () => undefined, FAIR));
      await waits(few, 2);
      await expect(few.acquire(name, FAIR)).rejects.toMatchObject({ code: 'LOCK_BUSY', reason: 'crowded' });
      await held.release();
      await Promise.all(waiting);
      await few.withLock(name, () => undefined, FAIR);
    });

    it('wake the next caller when an operator releases them', async () => {
      const held = await here.acquire(name, FAIR);
      const [first, second] = [await queue(there, 'first'), await queue(here, 'second')];
      const released = performance.now();
      expect(await there.forceRelease(name)).toBe(true);
      await Promise.all([first.served, second.served]);
      expect(order).toEqual(['first', 'second']);
      expect(performance.now() - released).toBeLessThan(PROMPT_MS);
      expect(await held.release()).toBe('lost');
    });

    it('are taken in one of several modes by a call for several locks', async () => {
      const other = `${name}:other`;
      await here.withLock(
        [
          { name, mode: 'fair' },
          { name: other, mode: 'read' },
        ],
        async () => {
          await expect(there.tryAcquire(name, { mode: 'fair' })).resolves.toBeNull();
          expect(await there.inspect(other)).toMatchObject({ mode: 'read' });
        },
      );
      expect((await there.inspect(name)).held).toBe(false);
    });

    it('are no read-write locks and no semaphores: the error says what has the name', async () => {
      const held = await here.acquire(name, FAIR);
      await expect(there.acquire(name, { mode: 'write' })).rejects.toThrow('is the name of a lock');
      await held.release();
      const read = await here.acquire(name, { mode: 'read' });
      await expect(there.acquire(name, FAIR)).rejects.toBeInstanceOf(LockConfigError);
      await expect(there.acquire(name, FAIR)).rejects.toThrow('is the name of a read-write lock');
      await read.release();
    });
  });
}
