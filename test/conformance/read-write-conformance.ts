import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  currentLease,
  LockBusyError,
  LockConfigError,
  LockLostError,
  type AcquireOptions,
  type Lease,
  type LockService,
} from 'nestjs-redis-lock';
import { waitUntil } from '../support/wait-until.js';
import type { Backend } from './backend.js';

const READ: AcquireOptions = { mode: 'read' };
const WRITE: AcquireOptions = { mode: 'write' };
/** Shorter than the time after which a waiter looks again by itself: who is served in it was woken. */
const PROMPT_MS = 2_000;

/** What read-write locks promise, in every store. */
export function describeReadWriteConformance(label: string, openBackend: () => Promise<Backend>): void {
  describe(`read-write locks on ${label}`, () => {
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
      name = `read-write:${randomUUID()}`;
    });
    afterAll(async () => {
      expect(here.stats()).toMatchObject({ held: 0, waiting: 0, unsettled: 0 });
      expect(there.stats()).toMatchObject({ held: 0, waiting: 0, unsettled: 0 });
      await backend.close();
    });

    const waits = (locks: LockService, count = 1) =>
      waitUntil(`${count} wait`, () => locks.waiting().some((queue) => queue.name === name && queue.waiting === count));
    /** Until the place of a waiter is in the store, it has sent its request and got the reply. */
    const hasPlace = () => sleep(80);
    const readers = async () => (await here.inspect(name)).holds;

    it('let any number of callers read at a time, with one hold for each process', async () => {
      let inside = 0;
      let checked = false;
      const read = (locks: LockService) =>
        locks.withLock(
          name,
          async () => {
            inside += 1;
            await waitUntil('all are inside, and were counted', () => checked);
            inside -= 1;
          },
          READ,
        );
      const sections = Array.from({ length: 40 }, (_, index) => read(index % 2 === 0 ? here : there));
      await waitUntil('all are inside', () => inside === 40);
      expect(await here.inspect(name)).toMatchObject({ held: true, mode: 'read', holds: 2 });
      checked = true;
      await Promise.all(sections);
      expect(await here.inspect(name)).toMatchObject({ held: false, mode: undefined, holds: 0 });
    });

    it('let one caller write at a time, and nobody read meanwhile', async () => {
      let writing = 0;
      let reading = 0;
      let overlaps = 0;
      const section = async (mode: 'read' | 'write') => {
        if (writing > 0 || (mode === 'write' && reading > 0)) overlaps += 1;
        if (mode === 'write') writing += 1;
        else reading += 1;
        await sleep(2);
        if (mode === 'write') writing -= 1;
        else reading -= 1;
      };
      await Promise.all(
        Array.from({ length: 120 }, (_, index) => {
          const mode = index % 5 === 0 ? 'write' : 'read';
          return (index % 2 === 0 ? here : there).withLock(name, () => section(mode), { mode, wait: 20_000 });
        }),
      );
      expect(overlaps).toBe(0);
    });

    it('are busy for a writer while they are read, and for everybody while they are written', async () => {
      const read = await here.acquire(name, READ);
      await expect(here.tryAcquire(name, WRITE)).resolves.toBeNull();
      await expect(there.tryAcquire(name, WRITE)).resolves.toBeNull();
      const other = (await there.tryAcquire(name, READ))!;
      await other.release();
      await read.release();
      const write = await here.acquire(name, WRITE);
      expect(await there.inspect(name)).toMatchObject({ held: true, mode: 'write', holds: 1, token: write.token });
      for (const locks of [here, there]) {
        await expect(locks.acquire(name, { ...READ, wait: 0 })).rejects.toBeInstanceOf(LockBusyError);
        await expect(locks.tryAcquire(name, WRITE)).resolves.toBeNull();
      }
      expect(await write.release()).toBe('released');
      expect(await there.inspect(name)).toMatchObject({ held: false });
    });

    it('wake those that wait: readers and writers of both processes', async () => {
      const write = await here.acquire(name, WRITE);
      const waiting = [here, there].flatMap((locks) => [
        locks.withLock(name, () => 'read', { ...READ, wait: PROMPT_MS }),
        locks.withLock(name, () => 'write', { ...WRITE, wait: PROMPT_MS }),
      ]);
      await Promise.all([waits(here, 2), waits(there, 2)]);
      await hasPlace();
      await write.release();
      expect(await Promise.all(waiting)).toEqual(['read', 'write', 'read', 'write']);
    });

    it.each(['here', 'there'])('let readers that come later wait behind a writer that waits %s', async (where) => {
      const [writing, reading] = where === 'here' ? [here, here] : [here, there];
      const [first, second] = [await here.acquire(name, READ), await there.acquire(name, READ)];
      const order: string[] = [];
      const write = writing.withLock(name, () => void order.push('write'), { ...WRITE, wait: PROMPT_MS });
      await waits(writing);
      // After this time a process asks whether a writer waits, before it lets more callers read.
      await hasPlace();
      await expect(reading.tryAcquire(name, READ)).resolves.toBeNull();
      const read = reading.withLock(name, () => void order.push('read'), { ...READ, wait: 2 * PROMPT_MS });
      await hasPlace();
      expect(order).toEqual([]);
      await first.release();
      await second.release();
      await Promise.all([write, read]);
      expect(order).toEqual(['write', 'read']);
    });

    it('refuse at once a reader that does not wait, while others of its process wait behind a writer', async () => {
      const first = await here.acquire(name, READ);
      const write = there.acquire(name, { ...WRITE, wait: 20_000 });
      await waits(there);
      await hasPlace();
      const read = here.acquire(name, { ...READ, wait: 20_000 });
      await waits(here);
      await hasPlace();
      expect(await Promise.race([here.tryAcquire(name, READ), sleep(PROMPT_MS, 'no answer')])).toBeNull();
      await first.release();
      await (await write).release();
      await (await read).release();
    });

    it('let readers in before a writer that began to wait later', async () => {
      const first = await here.acquire(name, WRITE);
      const order: string[] = [];
      const read = there.withLock(name, () => void order.push('read'), { ...READ, wait: PROMPT_MS });
      await waits(there);
      await hasPlace();
      const write = here.withLock(name, () => void order.push('write'), { ...WRITE, wait: PROMPT_MS });
      // This process may hand over to its own writer within a short time.
      await hasPlace();
      await first.release();
      await Promise.all([read, write]);
      expect(order).toEqual(['read', 'write']);
    });

    it('let readers in at once when the writer before them gives up', async () => {
      const held = await here.acquire(name, READ);
      const abort = new AbortController();
      const write = there.acquire(name, { ...WRITE, wait: 20_000, signal: abort.signal });
      await waits(there);
      await hasPlace();
      const reads = [here, there].map((locks) => locks.acquire(name, { ...READ, wait: PROMPT_MS }));
      await hasPlace();
      abort.abort();
      await expect(write).rejects.toMatchObject({ code: 'LOCK_ABORTED' });
      for (const lease of [...(await Promise.all(reads)), held]) await lease.release();
      await waitUntil('all is cleaned up', () => there.stats().unsettled === 0);
    });

    it('give writers tokens that increase, and readers that of the last writer', async () => {
      const tokens: number[] = [];
      for (const [locks, mode] of [
        [here, 'read'],
        [there, 'write'],
        [here, 'read'],
        [there, 'read'],
        [here, 'write'],
        [there, 'write'],
        [here, 'read'],
      ] as const) {
        tokens.push(await locks.withLock(name, ({ token }) => token, { mode }));
      }
      const [none, one, seesOne, alsoOne, two, three, seesThree] = tokens as [number, ...number[]];
      expect([seesOne, alsoOne, seesThree]).toEqual([one, one, three]);
      expect(one).toBeGreaterThan(none);
      expect(two).toBeGreaterThan(one!);
      expect(three).toBeGreaterThan(two!);
    });

    it('give readers with leases of their own the token of the last writer, too', async () => {
      const write = await there.acquire(name, WRITE);
      const own: AcquireOptions = { ...READ, lease: 5_000, renew: false, wait: PROMPT_MS };
      const reading = Promise.all(Array.from({ length: 20 }, () => here.withLock(name, ({ token }) => token, own)));
      await waits(here, 20);
      await write.release();
      expect(new Set(await reading)).toEqual(new Set([write.token]));
    });

    it('give tokens that do not decrease after their state was lost', async () => {
      const before = await here.withLock(name, ({ token }) => token, WRITE);
      await backend.flush();
      expect(await there.withLock(name, ({ token }) => token, READ)).toBeGreaterThan(before);
      expect(await there.withLock(name, ({ token }) => token, WRITE)).toBeGreaterThan(before);
    });

    it('pass from writer to writer in a process, and to a reader', async () => {
      const order: string[] = [];
      const section = (entry: string) => async () => {
        order.push(entry);
        await sleep(1);
      };
      await Promise.all(
        (['write', 'write', 'read', 'read', 'write'] as const).map((mode, index) =>
          here.withLock(name, section(`${mode} ${index}`), { mode, wait: PROMPT_MS }),
        ),
      );
      expect(order).toEqual(['write 0', 'write 1', 'read 2', 'read 3', 'write 4']);
    });

    it('stay read until the last reader of a process has left', async () => {
      const [one, two] = [await here.acquire(name, READ), await here.acquire(name, READ)];
      expect(one.token).toBe(two.token);
      expect(await readers()).toBe(1);
      expect(await one.release()).toBe('released');
      await expect(there.tryAcquire(name, WRITE)).resolves.toBeNull();
      two.assertHeld();
      expect(() => one.assertHeld()).toThrow(LockLostError);
      expect(await two.release()).toBe('released');
      await (await there.tryAcquire(name, WRITE))!.release();
    });

    it('give a reader with a fixed lease a hold of its own, whose end does not affect the others', async () => {
      const shared = await here.acquire(name, READ);
      const fixed = await here.acquire(name, { ...READ, lease: 150, renew: false });
      expect(await readers()).toBe(2);
      await waitUntil('its lease is over', () => fixed.signal.aborted);
      shared.assertHeld();
      await expect(there.tryAcquire(name, WRITE)).resolves.toBeNull();
      expect(await fixed.release()).toBe('lost');
      expect(await shared.release()).toBe('released');
      await waitUntil('all is cleaned up', () => here.stats().unsettled === 0);
    });

    it('do not end for other readers when one of them shortens its lease', async () => {
      const [one, two] = [await here.acquire(name, READ), await here.acquire(name, READ)];
      await one.extend(1_200);
      await sleep(1_500);
      two.assertHeld();
      await one.extend(90_000);
      expect(two.remaining()).toBeGreaterThan(60_000);
      for (const lease of [one, two]) expect(await lease.release()).toBe('released');
    });

    it('are kept for as long as the most patient of the readers said', async () => {
      const [one, two] = [
        await here.acquire(name, { ...READ, holdAtLeast: 400 }),
        await here.acquire(name, READ),
      ] as const;
      await one.release();
      await two.release();
      await expect(there.tryAcquire(name, WRITE)).resolves.toBeNull();
      await (await there.acquire(name, { ...WRITE, wait: PROMPT_MS })).release();
    });

    it('wake a writer for the end of a shorter lease when the reader with the longer one leaves', async () => {
      const kept = await here.acquire(name, { ...READ, holdAtLeast: 700 });
      const long = await there.acquire(name, READ);
      await kept.release();
      const asked = performance.now();
      const writing = here.acquire(name, { ...WRITE, wait: 60_000 });
      await waits(here);
      await hasPlace();
      await long.release();
      const write = await writing;
      // Before it would have looked again by itself.
      expect(performance.now() - asked).toBeLessThan(2_500);
      await write.release();
    });

    it('are renewed for all readers, and their loss reported to each', async () => {
      const options: AcquireOptions = { ...READ, lease: 1_500 };
      const leases = await Promise.all([1, 2, 3].map(() => here.acquire(name, options)));
      await sleep(2_000);
      for (const lease of leases) lease.assertHeld();
      await backend.flush();
      await waitUntil('all know', () => leases.every(({ signal }) => signal.aborted));
      for (const lease of leases) expect(lease.signal.reason).toBeInstanceOf(LockLostError);
      expect(await Promise.all(leases.map((lease) => lease.release()))).toEqual(['lost', 'lost', 'lost']);
      await waitUntil('all is cleaned up', () => here.stats().unsettled === 0);
    });

    it('let a section that writes read, and one that reads read again', async () => {
      for (const mode of ['write', 'read'] as const) {
        await here.withLock(
          name,
          (outer) => here.withLock(name, (inner) => expect(inner.token).toBe(outer.token), READ),
          { mode },
        );
      }
      expect(currentLease(name)).toBeUndefined();
    });

    it('reject at once a section that reads and asks to write', async () => {
      const nested = here.withLock(name, () => here.withLock(name, () => 'never', WRITE), READ);
      await expect(nested).rejects.toBeInstanceOf(LockConfigError);
      await expect(nested).rejects.toThrow("Use mode: 'write' in the outer call");
      expect((await here.inspect(name)).held).toBe(false);
    });

    it('are not an exclusive lock or a semaphore: the error says what has the name', async () => {
      const read = await here.acquire(name, READ);
      for (const locks of [here, there]) {
        await expect(locks.acquire(name)).rejects.toThrow('is the name of a read-write lock');
        await expect(locks.semaphore(name, { permits: 2 }).acquire()).rejects.toBeInstanceOf(LockConfigError);
      }
      await read.release();
      const exclusive = await here.acquire(name);
      for (const mode of ['read', 'write'] as const) {
        await expect(there.acquire(name, { mode })).rejects.toBeInstanceOf(LockConfigError);
        await expect(there.acquire(name, { mode })).rejects.toThrow('is the name of a lock');
      }
      await exclusive.release();
    });

    it('can be among several locks, each with its mode', async () => {
      const other = `${name}:other`;
      await here.withLock(
        [{ name, mode: 'read' }, other],
        async (lease) => {
          expect(lease.names).toEqual([name, other]);
          expect(await there.inspect(name)).toMatchObject({ mode: 'read' });
          expect(await there.inspect(other)).toMatchObject({ mode: 'exclusive' });
        },
        { lease: 5_000, renew: false },
      );
      const leases = await here.acquire([name, other], WRITE);
      expect(await there.inspect(other)).toMatchObject({ mode: 'write' });
      await leases.release();
    });

    it('are released regardless of their holders by an operator', async () => {
      const leases: Lease[] = [await here.acquire(name, READ), await there.acquire(name, READ)];
      const waiting = here.acquire(name, { ...WRITE, wait: PROMPT_MS });
      await waits(here);
      await hasPlace();
      expect(await there.forceRelease(name)).toBe(true);
      const write = await waiting;
      expect(await there.forceRelease(`${name}:free`)).toBe(false);
      for (const lease of leases) expect(await lease.release()).toBe('lost');
      expect(await write.release()).toBe('released');
    });
  });
}
