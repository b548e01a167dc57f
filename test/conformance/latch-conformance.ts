import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { LockBusyError, LockConfigError, LockNameError, LockShutdownError, type LockService } from 'nestjs-redis-lock';
import { waitUntil } from '../support/wait-until.js';
import type { Backend } from './backend.js';

/** Shorter than the time after which a waiter looks again by itself: who is served in it was woken. */
const PROMPT_MS = 2_000;

/** What latches promise, in every store. */
export function describeLatchConformance(label: string, openBackend: () => Promise<Backend>): void {
  describe(`latches on ${label}`, () => {
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
      name = `latch:${randomUUID()}`;
    });
    afterAll(async () => {
      expect(here.stats()).toMatchObject({ held: 0, waiting: 0, unsettled: 0 });
      expect(there.stats()).toMatchObject({ held: 0, waiting: 0, unsettled: 0 });
      await backend.close();
    });

    const isWaiting = (locks: LockService, waiting: number) =>
      waitUntil('they wait', () => locks.waiting().some((queue) => queue.name === name && queue.waiting === waiting));

    it('are open until they are set', async () => {
      expect(await here.latch(name).count()).toBe(0);
      await here.latch(name).wait({ wait: 0 });
      expect(await here.latch(name).countDown()).toBe(0);
      expect(await here.latch(name).count()).toBe(0);
    });

    it('have one count until they open', async () => {
      expect(await here.latch(name).trySetCount(2)).toBe(true);
      expect(await there.latch(name).trySetCount(5)).toBe(false);
      expect(await there.latch(name).count()).toBe(2);
      expect(await there.latch(name).countDown()).toBe(1);
      await expect(here.latch(name).wait({ wait: 0 })).rejects.toBeInstanceOf(LockBusyError);
      await expect(here.latch(name).wait({ wait: 500 })).rejects.toThrow('is still closed');
      expect(await here.latch(name).countDown()).toBe(0);
      await there.latch(name).wait({ wait: 0 });
      // It can be used again.
      expect(await there.latch(name).trySetCount(1)).toBe(true);
      expect(await here.latch(name).count()).toBe(1);
      expect(await here.latch(name).countDown()).toBe(0);
    });

    it('open for all that wait, in both processes, and for those that come later', async () => {
      await here.latch(name).trySetCount(2);
      let passed = 0;
      const waiting = [here, there].flatMap((locks) =>
        Array.from({ length: 20 }, async () => {
          await locks.latch(name).wait({ wait: PROMPT_MS });
          passed += 1;
        }),
      );
      await Promise.all([isWaiting(here, 20), isWaiting(there, 20)]);
      await there.latch(name).countDown();
      await sleep(50);
      expect(passed).toBe(0);
      await here.latch(name).countDown();
      await Promise.all(waiting);
      await here.latch(name).wait({ wait: 0 });
    });

    it('count calls of both processes, each once', async () => {
      await here.latch(name).trySetCount(100);
      const waiting = there.latch(name).wait({ wait: 20_000 });
      const counts = await Promise.all(
        Array.from({ length: 100 }, (_, index) => (index % 2 === 0 ? here : there).latch(name).countDown()),
      );
      expect([...counts].sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, index) => index));
      await waiting;
    });

    it('let a caller give up', async () => {
      await here.latch(name).trySetCount(1);
      const abort = new AbortController();
      const waiting = there.latch(name).wait({ wait: Infinity, signal: abort.signal });
      const patient = there.latch(name).wait({ wait: PROMPT_MS });
      await isWaiting(there, 2);
      abort.abort();
      await expect(waiting).rejects.toMatchObject({ code: 'LOCK_ABORTED' });
      await here.latch(name).countDown();
      await patient;
    });

    it('refuse what is not valid', async () => {
      expect(() => here.latch('')).toThrow(LockNameError);
      for (const count of [0, -1, 1.5, NaN, 1e10, '1']) {
        await expect(here.latch(name).trySetCount(count as number)).rejects.toBeInstanceOf(LockConfigError);
      }
      for (const options of [null, 5, { wait: -1 }, { lease: 5_000 }, { signal: 1 }]) {
        await expect(here.latch(name).wait(options as never)).rejects.toBeInstanceOf(LockConfigError);
      }
    });

    it('are no locks and no semaphores: the error says what has the name', async () => {
      await here.latch(name).trySetCount(3);
      await expect(there.acquire(name)).rejects.toThrow('is the name of a latch');
      await expect(there.acquire(name, { mode: 'read' })).rejects.toThrow('is the name of a latch');
      await expect(there.semaphore(name, { permits: 3 }).acquire()).rejects.toThrow('is the name of a latch');
      for (let count = 3; count > 0; count -= 1) await here.latch(name).countDown();
      const lease = await here.acquire(name);
      for (const attempt of [
        () => there.latch(name).trySetCount(1),
        () => there.latch(name).countDown(),
        () => there.latch(name).count(),
        () => there.latch(name).wait(),
      ]) {
        await expect(attempt()).rejects.toBeInstanceOf(LockConfigError);
        await expect(attempt()).rejects.toThrow('is the name of a lock');
      }
      await lease.release();
      const other = `${name}:semaphore`;
      const permit = await here.semaphore(other, { permits: 2 }).acquire();
      await expect(there.latch(other).trySetCount(1)).rejects.toThrow('is the name of a semaphore');
      await expect(there.latch(other).wait()).rejects.toThrow('is the name of a semaphore');
      await permit.release();
    });

    it('refuse callers during a shutdown', async () => {
      const closing = await backend.open();
      await here.latch(name).trySetCount(1);
      const waiting = closing.latch(name).wait({ wait: Infinity });
      await isWaiting(closing, 1);
      const refused = expect(waiting).rejects.toBeInstanceOf(LockShutdownError);
      await closing.close();
      await refused;
      await expect(closing.latch(name).wait()).rejects.toBeInstanceOf(LockShutdownError);
      await here.latch(name).countDown();
    });
  });
}
