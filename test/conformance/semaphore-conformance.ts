import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  currentLease,
  LockBusyError,
  LockConfigError,
  LockLostError,
  LockShutdownError,
  type Lease,
  type LockService,
  type Semaphore,
} from 'nestjs-redis-lock';
import { untilIdle } from '../support/until-idle.js';
import { waitUntil } from '../support/wait-until.js';
import type { Backend } from './backend.js';

/** What semaphores promise, in every store. */
export function describeSemaphoreConformance(label: string, openBackend: () => Promise<Backend>): void {
  describe(`semaphores on ${label}`, () => {
    let backend: Backend;
    let here: LockService;
    let there: LockService;
    let name: string;

    beforeAll(async () => {
      backend = await openBackend();
      here = await backend.open();
      there = await backend.open();
    }, 60_000);
    beforeEach(() => {
      name = `semaphore:${randomUUID()}`;
    });
    afterAll(async () => {
      // On a busy machine, releases of callers that left may still be under way.
      await untilIdle(here, there);
      await backend.close();
    }, 90_000);

    const both = (permits: number): [Semaphore, Semaphore] => [
      here.semaphore(name, { permits }),
      there.semaphore(name, { permits }),
    ];

    it('lets as many callers in at a time as there are permits, across replicas and within one', async () => {
      const semaphores = both(3);
      let inside = 0;
      let most = 0;
      let sections = 0;
      const callers = Array.from({ length: 60 }, (_, index) =>
        semaphores[index % 2]!.withPermit(async () => {
          inside += 1;
          most = Math.max(most, inside);
          await sleep(2);
          inside -= 1;
          sections += 1;
        }),
      );
      await Promise.all(callers);
      expect({ most, sections }).toEqual({ most: 3, sections: 60 });
      expect(await semaphores[0].inspect()).toEqual({ permits: 3, available: 3, held: 0, waiting: 0 });
    });

    it('gives all permits to callers that do not wait, in one process and in two', async () => {
      const [a, b] = both(6);
      const leases = await Promise.all([a, a, a, b, b, b, a, b].map(async (each) => each.tryAcquire()));
      expect(leases.filter((lease) => lease !== null)).toHaveLength(6);
      await expect(a.tryAcquire()).resolves.toBeNull();
      await expect(b.acquire({ wait: 0 })).rejects.toBeInstanceOf(LockBusyError);
      await expect(b.acquire({ wait: 0 })).rejects.toThrow('has too few free permits');
      expect(await b.inspect()).toEqual({ permits: 6, available: 0, held: 6, waiting: 0 });
      for (const lease of leases) await lease?.release();
      expect(await a.inspect()).toMatchObject({ available: 6, held: 0 });
    });

    it('passes on the result and the error of the section, and gives the permit back', async () => {
      const [a] = both(1);
      await expect(a.withPermit(() => 'result')).resolves.toBe('result');
      const error = new TypeError('of the section');
      await expect(a.withPermit(() => Promise.reject(error))).rejects.toBe(error);
      expect((await a.inspect()).held).toBe(0);
    });

    it('wakes a waiter of another process when a permit is returned', async () => {
      const [a, b] = both(1);
      const held = await a.acquire({ lease: 60_000 });
      const waiting = b.acquire({ wait: 20_000 });
      await waitUntil('it waits', () => there.waiting().some((queue) => queue.name === name));
      expect((await b.inspect()).waiting).toBe(1);
      await held.release();
      await (await waiting).release();
    });

    it('takes several permits together, all or none', async () => {
      const [a, b] = both(5);
      const three = await a.acquire({ take: 3 });
      await expect(b.tryAcquire({ take: 3 })).resolves.toBeNull();
      // A caller that does not wait keeps no place that would hold up the next one.
      const two = (await b.tryAcquire({ take: 2 }))!;
      expect(await a.inspect()).toMatchObject({ available: 0, held: 5 });
      await three.release();
      expect(await a.inspect()).toMatchObject({ available: 3, held: 2 });
      await two.release();
    });

    it('serves a caller that takes several before later callers that take one', async () => {
      const [a, b] = both(3);
      const held = await Promise.all([a.acquire(), a.acquire(), b.acquire()]);
      const order: string[] = [];
      const big = b.withPermit(() => void order.push('three'), { take: 3, wait: 20_000 });
      await waitUntil('it waits', () => there.waiting().some((queue) => queue.name === name));
      // Its place is in the store with its first attempt.
      await sleep(50);
      const small = Array.from({ length: 4 }, () => a.withPermit(() => void order.push('one'), { wait: 20_000 }));
      await sleep(50);
      for (const lease of held) {
        await lease.release();
        await sleep(30);
      }
      await Promise.all([big, ...small]);
      expect(order).toEqual(['three', 'one', 'one', 'one', 'one']);
    });

    it('lets others pass as soon as a caller that takes several gives up', async () => {
      const [a, b] = both(2);
      const held = await a.acquire();
      const abort = new AbortController();
      const big = b.acquire({ take: 2, wait: 20_000, signal: abort.signal });
      await waitUntil('it waits', () => there.waiting().some((queue) => queue.name === name));
      await sleep(50);
      await expect(a.tryAcquire()).resolves.toBeNull();
      const small = a.acquire({ wait: 20_000 });
      abort.abort();
      await expect(big).rejects.toMatchObject({ code: 'LOCK_ABORTED' });
      await (await small).release();
      await held.release();
      await waitUntil('all is cleaned up', () => there.stats().unsettled === 0);
    });

    /** Shorter than the time after which a waiter looks again by itself: who is served in it was woken. */
    const PROMPT_MS = 2_000;

    it('serves the next waiter as soon as the first one, who wants more, gives up', async () => {
      const [a, b] = both(3);
      const held = await b.acquire();
      const big = a.acquire({ take: 3, wait: 200 });
      const small = a.acquire({ wait: PROMPT_MS });
      const other = b.acquire({ wait: PROMPT_MS });
      await expect(big).rejects.toBeInstanceOf(LockBusyError);
      for (const lease of [await small, await other, held]) await lease.release();
    });

    it('wakes the next waiter for permits that one who had a place leaves over', async () => {
      const [a, b] = both(5);
      const [three, one] = [await a.acquire({ take: 3 }), await a.acquire()];
      const big = a.acquire({ take: 3, wait: 20_000 });
      await waitUntil('it waits', () => here.waiting().some((queue) => queue.name === name));
      await sleep(100);
      const small = b.acquire({ wait: PROMPT_MS });
      await sleep(100);
      await three.release();
      for (const lease of [await big, await small, one]) await lease.release();
    });

    it('refuses callers that do not wait only for what they want, and grants the permits that are free', async () => {
      const [a] = both(3);
      const held = await a.acquire();
      const [three, two, lateOne] = await Promise.all([
        a.tryAcquire({ take: 3 }),
        a.tryAcquire({ take: 2 }),
        a.tryAcquire(),
      ]);
      expect(three).toBeNull();
      expect(two).not.toBeNull();
      expect(lateOne).toBeNull();
      for (const lease of [two, held]) await lease?.release();
      const leases = await Promise.all([30_000, 10_000, 20_000].map((lease) => a.tryAcquire({ lease })));
      for (const lease of leases) {
        expect(lease).not.toBeNull();
        await lease?.release();
      }
    });

    it('wakes a waiter that has the larger number of permits, although there are too few by the smaller one', async () => {
      const eight = here.semaphore(name, { permits: 8 });
      const three = there.semaphore(name, { permits: 3 });
      const held = await Promise.all(Array.from({ length: 8 }, () => eight.acquire()));
      const small = three.acquire({ wait: 20_000 });
      const large = eight.acquire({ wait: PROMPT_MS });
      await waitUntil('both wait', () => here.stats().waiting + there.stats().waiting === 2);
      await sleep(100);
      await held[0]!.release();
      const next = await large;
      for (const lease of [...held.slice(1), next]) await lease.release();
      await (await small).release();
    });

    it.each([null, 5, 'take'])('refuses the options %p of a call', async (options) => {
      const [a] = both(2);
      await expect(a.acquire(options as never)).rejects.toBeInstanceOf(LockConfigError);
      await expect(a.tryAcquire(options as never)).rejects.toBeInstanceOf(LockConfigError);
      await expect(a.withPermit(() => 1, options as never)).rejects.toBeInstanceOf(LockConfigError);
    });

    it('renews permits while they are held, and takes them back when their lease has ended', async () => {
      const [a, b] = both(2);
      const renewed = await a.acquire({ take: 2, lease: 1_500 });
      await sleep(2_000);
      renewed.assertHeld();
      expect((await b.inspect()).held).toBe(2);
      await renewed.release();
      const dead = await a.acquire({ take: 2, lease: 300, renew: false });
      const next = await b.acquire({ wait: 5_000 });
      expect(dead.signal.aborted).toBe(true);
      expect(dead.signal.reason).toBeInstanceOf(LockLostError);
      await expect(dead.release()).resolves.toBe('lost');
      await next.release();
    });

    it('prolongs and shortens the lease of permits', async () => {
      const [a, b] = both(1);
      const lease = await a.acquire({ lease: 300, renew: false });
      await lease.extend(60_000);
      await sleep(400);
      lease.assertHeld();
      await lease.extend(200);
      await (await b.acquire({ wait: 5_000 })).release();
      await lease.release();
    });

    it('keeps a permit for at least as long as the caller asked', async () => {
      const [a, b] = both(1);
      const began = performance.now();
      await a.withPermit(() => undefined, { holdAtLeast: 300 });
      expect((await b.inspect()).available).toBe(0);
      await (await b.acquire({ wait: 5_000 })).release();
      expect(performance.now() - began).toBeGreaterThan(280);
    });

    it('grants no permits beyond the own number while another process has a larger one, and follows both ways', async () => {
      const [five] = both(5);
      const eight = there.semaphore(name, { permits: 8 });
      const first = await Promise.all(Array.from({ length: 5 }, () => five.acquire()));
      const more = await Promise.all(Array.from({ length: 4 }, () => eight.tryAcquire()));
      expect(more.filter((lease) => lease !== null)).toHaveLength(3);
      await expect(five.tryAcquire()).resolves.toBeNull();
      expect(await eight.inspect()).toMatchObject({ permits: 5, held: 8, available: 0 });
      const three = here.semaphore(name, { permits: 3 });
      await Promise.all(first.map((lease) => lease.release()));
      await expect(three.tryAcquire()).resolves.toBeNull();
      await more[0]!.release();
      const third = await three.tryAcquire();
      expect(third).not.toBeNull();
      for (const lease of [third, ...more]) await lease?.release();
      expect(await three.inspect()).toMatchObject({ permits: 3, held: 0, available: 3 });
    });

    it('shares the permit of the section with a nested call', async () => {
      const [a] = both(1);
      await a.withPermit(async (outer) => {
        await a.withPermit((inner) => {
          expect(inner.token).toBe(outer.token);
          expect(currentLease(name)?.token).toBe(outer.token);
        });
        await expect(a.acquire({ nested: 'refuse' })).rejects.toMatchObject({ code: 'LOCK_BUSY', reason: 'nested' });
      });
      const two = here.semaphore(name, { permits: 2 });
      await two.withPermit(() => expect(two.acquire({ take: 2 })).rejects.toBeInstanceOf(LockConfigError));
    });

    it('is not a lock: a name has one kind', async () => {
      const [a] = both(2);
      await using held = await a.acquire();
      await expect(there.acquire(name)).rejects.toBeInstanceOf(LockConfigError);
      await expect(there.acquire(name)).rejects.toThrow('is the name of a semaphore');
      await expect(there.inspect(name)).rejects.toThrow('is the name of a semaphore');
      await expect(there.forceRelease(name)).rejects.toThrow('is the name of a semaphore');
      held.assertHeld();
      const other = `${name}:lock`;
      await using lock = await here.acquire(other);
      const semaphore = there.semaphore(other, { permits: 2 });
      await expect(semaphore.acquire()).rejects.toBeInstanceOf(LockConfigError);
      await expect(semaphore.acquire()).rejects.toThrow('is the name of a lock');
      await expect(semaphore.inspect()).rejects.toThrow('is the name of a lock');
      lock.assertHeld();
    });

    it.each([
      [{}, 'permits'],
      [{ permits: 0 }, 'permits'],
      [{ permits: 1.5 }, 'permits'],
      [{ permits: 2, take: 1 }, 'take'],
    ])('refuses the options %j', (options, word) => {
      expect(() => here.semaphore(name, options as never)).toThrow(LockConfigError);
      expect(() => here.semaphore(name, options as never)).toThrow(word);
    });

    it.each([0, 3, 1.5, Number.NaN, '1'])('refuses to take %p of 2 permits', async (take) => {
      const [a] = both(2);
      await expect(a.acquire({ take: take as number })).rejects.toBeInstanceOf(LockConfigError);
    });

    it('refuses waiters at a shutdown, which waits for held permits', async () => {
      const closing = await backend.open();
      const [a] = both(1);
      const own = closing.semaphore(name, { permits: 1 });
      const held = await own.acquire();
      const waiting = own.acquire({ wait: 20_000 });
      const refused = expect(waiting).rejects.toBeInstanceOf(LockShutdownError);
      const closed = closing.close();
      await refused;
      await held.release();
      await closed;
      await (await a.acquire()).release();
    });

    it('serves many callers that take different numbers', async () => {
      const semaphores = both(4);
      let out = 0;
      const section = (take: number) => async (lease: Lease) => {
        out += take;
        expect(out).toBeLessThanOrEqual(4);
        lease.assertHeld();
        await sleep(1);
        out -= take;
      };
      const calls = Array.from({ length: 40 }, (_, index) => {
        const take = (index % 4) + 1;
        return semaphores[index % 2]!.withPermit(section(take), { take, wait: 30_000 });
      });
      await Promise.all(calls);
      expect((await semaphores[0].inspect()).held).toBe(0);
    }, 60_000);
  });
}
