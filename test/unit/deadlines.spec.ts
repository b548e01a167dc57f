import { executionAsyncResource } from 'node:async_hooks';
import { promisify } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Deadline, Deadlines } from '../../lib/time/deadlines.js';
import { waitUntil } from '../support/wait-until.js';

class Entry extends Deadline {
  firedAt: number[] = [];

  constructor(private readonly then: () => void = () => undefined) {
    super();
  }

  override onDue(): void {
    this.firedAt.push(performance.now());
    this.then();
  }
}

describe('deadlines', () => {
  const deadlines = new Deadlines();

  afterEach(() => {
    deadlines.clear();
    jest.restoreAllMocks();
  });

  it('never fires early', async () => {
    const start = performance.now();
    const all = [11, 3, 50, 7, 11].map((ms) => ({ at: start + ms, entry: new Entry() }));
    for (const { entry, at } of all) deadlines.add(entry, at);
    await waitUntil('all have fired', () => all.every(({ entry }) => entry.firedAt.length === 1));
    for (const { entry, at } of all) expect(entry.firedAt[0]).toBeGreaterThanOrEqual(at);
    expect(deadlines.size).toBe(0);
  });

  it('does not start a timer again that is due, since that would delay it', async () => {
    const setTimer = globalThis.setTimeout;
    let started = 0;
    globalThis.setTimeout = ((callback: () => void, ms: number, ...args: []) => {
      started += 1;
      return setTimer(callback, ms, ...args);
    }) as typeof setTimeout;
    try {
      const [entry, earlier] = [new Entry(), new Entry()];
      const until = performance.now() + 10;
      deadlines.add(entry, until - 5);
      const before = started;
      while (performance.now() < until);
      deadlines.add(earlier, until - 8);
      expect(started).toBe(before);
      await waitUntil('both have fired', () => entry.firedAt.length + earlier.firedAt.length === 2);
      expect(earlier.firedAt[0]).toBeLessThanOrEqual(entry.firedAt[0]!);
    } finally {
      globalThis.setTimeout = setTimer;
    }
  });

  it('fires entries that are due within `togetherMs` at the same time', async () => {
    const order: number[] = [];
    const both = new Deadlines({ togetherMs: 30 });
    const at = performance.now() + 20;
    for (const n of [2, 0, 1]) both.add(new Entry(() => order.push(n)), at + 10 * n);
    both.add(new Entry(() => order.push(3)), at + 60_000);
    await waitUntil('the first has fired', () => order.length > 0);
    expect(order).toEqual([0, 1, 2]);
    both.clear();
  });

  it('waits for the rest of the time if a timer fires early', async () => {
    const setTimer = globalThis.setTimeout;
    const early = ((callback: () => void, ms: number, ...args: []) =>
      setTimer(callback, Math.max(0, ms - 2), ...args)) as typeof setTimeout;
    // By this the library takes it for Node's own function: a fake timer that fires shows that its time has passed.
    Object.defineProperty(early, promisify.custom, { get: () => undefined });
    globalThis.setTimeout = early;
    try {
      const at = performance.now() + 20;
      const entry = new Entry();
      deadlines.add(entry, at);
      await waitUntil('it has fired', () => entry.firedAt.length === 1);
      expect(entry.firedAt[0]).toBeGreaterThanOrEqual(at);
    } finally {
      globalThis.setTimeout = setTimer;
    }
  });

  it.each([
    { afterInput: false, in: 'Timeout' },
    { afterInput: true, in: 'Immediate' },
  ])(
    'fires after sockets were read only where asked for (afterInput: $afterInput)',
    async ({ afterInput, in: phase }) => {
      const own = new Deadlines({ afterInput });
      const phases: string[] = [];
      // On a machine that stalls, all of them fire after sockets were read.
      for (let attempt = 0; attempt < 20 && !phases.includes(phase); attempt += 1) {
        const entry = new Entry(() => phases.push(executionAsyncResource().constructor.name));
        own.add(entry, performance.now() + 5);
        await waitUntil('it has fired', () => entry.firedAt.length === 1);
      }
      expect(phases).toContain(phase);
      if (afterInput) expect(new Set(phases)).toEqual(new Set(['Immediate']));
    },
  );

  it('fires in the order of time, in any order of adding', async () => {
    const order: number[] = [];
    const start = performance.now();
    for (const ms of [60, 20, 100, 40, 80]) {
      deadlines.add(new Entry(() => order.push(ms)), start + ms);
    }
    await waitUntil('all have fired', () => order.length === 5);
    expect(order).toEqual([20, 40, 60, 80, 100]);
  });

  it('keeps an entry once: adding it again moves it', async () => {
    const entry = new Entry();
    const start = performance.now();
    deadlines.add(entry, start + 5);
    deadlines.add(entry, start + 60);
    await sleep(150);
    expect(entry.firedAt).toHaveLength(1);
    expect(entry.firedAt[0]).toBeGreaterThanOrEqual(start + 59);
  });

  it('does not fire a removed entry, even if another entry removes it at the same time', async () => {
    const removed = new Entry();
    const other = new Entry(() => deadlines.remove(removed));
    const at = performance.now() + 20;
    deadlines.add(other, at);
    deadlines.add(removed, at);
    const never = new Entry();
    deadlines.add(never, at);
    deadlines.remove(never);
    deadlines.remove(never);
    await waitUntil('the first has fired', () => other.firedAt.length === 1);
    await sleep(20);
    expect(removed.firedAt).toHaveLength(0);
    expect(never.firedAt).toHaveLength(0);
  });

  it('lets an entry that is due at once add itself again endlessly without blocking', async () => {
    let times = 0;
    const again: Entry = new Entry(() => {
      times += 1;
      deadlines.add(again, 0);
    });
    deadlines.add(again, 0);
    // That this test goes on at all is the point: the event loop is not held up.
    await waitUntil('it has fired often', () => times >= 5);
    deadlines.remove(again);
  });

  it('needs one timer for many entries', () => {
    const timers = jest.spyOn(globalThis, 'setTimeout');
    const at = performance.now() + 60_000;
    for (let n = 0; n < 10_000; n += 1) deadlines.add(new Entry(), at + n);
    expect(timers).toHaveBeenCalledTimes(1);
  });

  it('lets the process end without entries, and keeps it alive again with the next entry', () => {
    const timers = jest.spyOn(globalThis, 'setTimeout');
    const entry = new Entry();
    deadlines.add(entry, performance.now() + 60_000);
    const timer = timers.mock.results[0]?.value as NodeJS.Timeout;
    expect(timer.hasRef()).toBe(true);
    deadlines.remove(entry);
    expect(timer.hasRef()).toBe(false);
    deadlines.add(entry, performance.now() + 70_000);
    expect(timer.hasRef()).toBe(true);
    expect(timers).toHaveBeenCalledTimes(1);
  });

  it('lets the process end when the last entry has fired and another was removed meanwhile', async () => {
    const timers = jest.spyOn(globalThis, 'setTimeout');
    const later = new Entry();
    const at = performance.now() + 10;
    deadlines.add(
      new Entry(() => {
        deadlines.add(later, performance.now() + 60_000);
        deadlines.remove(later);
      }),
      at,
    );
    const last = new Entry();
    deadlines.add(last, at);
    await waitUntil('all have fired', () => last.firedAt.length === 1);
    const left = timers.mock.results.map(({ value }) => value as NodeJS.Timeout & { _idleTimeout?: number });
    expect(left.filter((timer) => (timer._idleTimeout ?? 0) > 1_000 && timer.hasRef())).toEqual([]);
  });

  it('lists all pending entries, even during a firing', async () => {
    const at = performance.now() + 10;
    let seen: Deadline[] = [];
    const others = [new Entry(), new Entry(), new Entry()] as const;
    const [same, removed, later] = others;
    deadlines.add(
      new Entry(() => {
        deadlines.remove(removed);
        seen = deadlines.entries();
      }),
      at,
    );
    deadlines.add(same, at);
    deadlines.add(removed, at);
    deadlines.add(later, at + 60_000);
    expect(deadlines.entries()).toHaveLength(4);
    await waitUntil('it has fired', () => same.firedAt.length === 1);
    expect(new Set(seen)).toEqual(new Set([same, later]));
    expect(deadlines.entries()).toEqual([later]);
  });

  it('never keeps the process alive with `keepsProcessAlive: false`', async () => {
    const timers = jest.spyOn(globalThis, 'setTimeout');
    const weak = new Deadlines({ keepsProcessAlive: false });
    const entry = new Entry();
    weak.add(entry, performance.now() + 20);
    weak.remove(entry);
    weak.add(entry, performance.now() + 25);
    for (const { value } of timers.mock.results) expect((value as NodeJS.Timeout).hasRef()).toBe(false);
    await waitUntil('it has fired', () => entry.firedAt.length === 1);
  });

  it('fires many that are due at once in batches, in order, and lets input be read in between', async () => {
    const order: number[] = [];
    let turns = 0;
    const turn = (): void => {
      turns += 1;
      if (order.length < 4_999) setImmediate(turn);
    };
    const at = performance.now() + 10;
    const entries = Array.from({ length: 5_000 }, (_, n) => new Entry(() => order.push(n)));
    const last = entries.pop() as Entry;
    deadlines.add(new Entry(() => deadlines.remove(last)), at);
    for (const entry of [...entries, last]) deadlines.add(entry, at);
    setImmediate(turn);
    await waitUntil('all have fired', () => order.length === 4_999);
    expect(order).toEqual(Array.from({ length: 4_999 }, (_, n) => n));
    expect(turns).toBeGreaterThan(10);
  });

  it('fires all that is due without other events, even with `keepsProcessAlive: false`', async () => {
    const weak = new Deadlines({ keepsProcessAlive: false });
    const at = performance.now() + 20;
    const entries = Array.from({ length: 1_000 }, () => new Entry());
    for (const entry of entries) weak.add(entry, at);
    // No timer, input or output in between that would make the event loop go round.
    await sleep(1_500);
    const firedAt = entries.flatMap((entry) => entry.firedAt);
    expect(firedAt).toHaveLength(1_000);
    expect(Math.max(...firedAt) - Math.min(...firedAt)).toBeLessThan(750);
  });

  it('fires nothing after it is cleared, even by an entry that is due at the same time', async () => {
    const at = performance.now() + 20;
    deadlines.add(
      new Entry(() => {
        deadlines.clear();
      }),
      at,
    );
    const others = Array.from({ length: 1_000 }, () => new Entry());
    for (const other of others) deadlines.add(other, at);
    await sleep(100);
    expect(others.every(({ firedAt }) => firedAt.length === 0)).toBe(true);
    const later = new Entry();
    deadlines.add(later, performance.now() + 5);
    await waitUntil('they are still of use', () => later.firedAt.length === 1);
  });

  it('keeps the order of time while entries are moved and removed, without references to removed ones', async () => {
    const heap = Reflect.get(deadlines, 'heap') as Entry[];
    const start = performance.now();
    const fired: number[] = [];
    const random = (n: number): number => (n * 7_919) % 1_000;
    const entries = Array.from({ length: 1_000 }, (_, n) => new Entry(() => fired.push(n)));
    for (const [n, entry] of entries.entries()) deadlines.add(entry, start + 60_000 + random(n));
    for (const [n, entry] of entries.entries()) if (n % 3 === 0) deadlines.remove(entry);
    for (const [n, entry] of entries.entries()) if (n % 3 === 1) deadlines.add(entry, start + 20 + random(n) / 10);
    expect(heap).toHaveLength(666);
    expect(heap.every((entry, place) => entry.place === place)).toBe(true);
    await waitUntil('those that were moved have fired', () => fired.length === 333);
    const moved = entries.flatMap((_, n) => (n % 3 === 1 ? [n] : []));
    expect(fired).toEqual(moved.sort((a, b) => random(a) - random(b)));
    for (const entry of entries) deadlines.remove(entry);
    expect(heap).toEqual([]);
  });

  it('stops the timer as soon as nothing is pending and no entry will be added soon', () => {
    const timers = jest.spyOn(globalThis, 'setTimeout');
    const pending = new Entry();
    deadlines.add(pending, performance.now() + 60_000);
    deadlines.rest();
    const timer = timers.mock.results[0]?.value as NodeJS.Timeout & { _destroyed: boolean };
    expect(timer._destroyed).toBe(false);
    deadlines.remove(pending);
    expect(timer._destroyed).toBe(true);
  });

  it('accepts the longest time without spinning', async () => {
    const timers = jest.spyOn(globalThis, 'setTimeout');
    deadlines.add(new Entry(), performance.now() + 2 ** 31 - 1);
    await sleep(50);
    // One by the deadlines; `sleep` does not use the global one. A delay that is too long for Node fails the run by its warning.
    expect(timers).toHaveBeenCalledTimes(1);
  });
});
