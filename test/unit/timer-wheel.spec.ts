import { promisify } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { TimerWheel, WheelEntry } from '../../lib/time/timer-wheel.js';
import { waitUntil } from '../support/wait-until.js';

class Entry extends WheelEntry {
  firedAt: number[] = [];

  constructor(private readonly then: () => void = () => undefined) {
    super();
  }

  override onDue(): void {
    this.firedAt.push(performance.now());
    this.then();
  }
}

describe('the timer wheel', () => {
  const wheel = new TimerWheel(true);

  afterEach(() => {
    wheel.clear();
    jest.restoreAllMocks();
  });

  it('never fires late entries early, and early ones no more than a slot early', async () => {
    const start = performance.now();
    const after = [3, 7, 11, 50].map((ms) => ({ at: start + ms, entry: new Entry() }));
    const before = [3, 7, 11, 50].map((ms) => ({ at: start + ms, entry: new Entry() }));
    for (const { entry, at } of after) wheel.addAfter(entry, at);
    for (const { entry, at } of before) wheel.addBefore(entry, at);
    await waitUntil('all have fired', () => [...after, ...before].every(({ entry }) => entry.firedAt.length === 1));
    for (const { entry, at } of after) expect(entry.firedAt[0]).toBeGreaterThanOrEqual(at);
    for (const { entry, at } of before) expect(entry.firedAt[0]).toBeGreaterThanOrEqual(at - 4);
  });

  it('waits for the rest where a timer fires early', async () => {
    const setTimer = globalThis.setTimeout;
    const early = ((callback: () => void, ms: number, ...args: []) =>
      setTimer(callback, Math.max(0, ms - 2), ...args)) as typeof setTimeout;
    // By this the library takes it for Node's own function: a fake timer that fires shows that its time has passed.
    Object.defineProperty(early, promisify.custom, { get: () => undefined });
    globalThis.setTimeout = early;
    try {
      // The very end of a slot.
      const at = 4 * Math.ceil((performance.now() + 20) / 4);
      const entry = new Entry();
      wheel.addAfter(entry, at);
      await waitUntil('it has fired', () => entry.firedAt.length === 1);
      expect(entry.firedAt[0]).toBeGreaterThanOrEqual(at);
    } finally {
      globalThis.setTimeout = setTimer;
    }
  });

  it('fires in the order of time, whatever the order of adding', async () => {
    const order: number[] = [];
    const start = performance.now();
    for (const ms of [60, 20, 100, 40, 80]) {
      wheel.addAfter(new Entry(() => order.push(ms)), start + ms);
    }
    await waitUntil('all have fired', () => order.length === 5);
    expect(order).toEqual([20, 40, 60, 80, 100]);
  });

  it('keeps an entry once: adding it again moves it', async () => {
    const entry = new Entry();
    const start = performance.now();
    wheel.addAfter(entry, start + 5);
    wheel.addAfter(entry, start + 60);
    await sleep(150);
    expect(entry.firedAt).toHaveLength(1);
    expect(entry.firedAt[0]).toBeGreaterThanOrEqual(start + 59);
  });

  it('fires nothing that was removed, also by another entry of the same slot', async () => {
    const removed = new Entry();
    const other = new Entry(() => wheel.remove(removed));
    const at = performance.now() + 20;
    wheel.addAfter(other, at);
    wheel.addAfter(removed, at);
    const never = new Entry();
    wheel.addAfter(never, at);
    wheel.remove(never);
    wheel.remove(never);
    await waitUntil('the first has fired', () => other.firedAt.length === 1);
    await sleep(20);
    expect(removed.firedAt).toHaveLength(0);
    expect(never.firedAt).toHaveLength(0);
  });

  it('lets an entry that is due at once add itself again without end and without blocking', async () => {
    let times = 0;
    const again: Entry = new Entry(() => {
      times += 1;
      wheel.addAfter(again, 0);
    });
    wheel.addAfter(again, 0);
    // That this test goes on at all is the point: the event loop is not held up.
    await waitUntil('it has fired often', () => times >= 5);
    wheel.remove(again);
  });

  it('needs one timer for many entries', () => {
    const timers = jest.spyOn(globalThis, 'setTimeout');
    const at = performance.now() + 60_000;
    for (let n = 0; n < 10_000; n += 1) wheel.addAfter(new Entry(), at + n);
    expect(timers).toHaveBeenCalledTimes(1);
  });

  it('lets the process end when nothing is pending, and keeps it up again with the next entry', () => {
    const timers = jest.spyOn(globalThis, 'setTimeout');
    const entry = new Entry();
    wheel.addAfter(entry, performance.now() + 60_000);
    const timer = timers.mock.results[0]?.value as NodeJS.Timeout;
    expect(timer.hasRef()).toBe(true);
    wheel.remove(entry);
    expect(timer.hasRef()).toBe(false);
    wheel.addAfter(entry, performance.now() + 70_000);
    expect(timer.hasRef()).toBe(true);
    expect(timers).toHaveBeenCalledTimes(1);
  });

  it('lets the process end, too, when the last entry has fired and another was taken out meanwhile', async () => {
    const timers = jest.spyOn(globalThis, 'setTimeout');
    const later = new Entry();
    const at = performance.now() + 10;
    wheel.addAfter(
      new Entry(() => {
        wheel.addAfter(later, performance.now() + 60_000);
        wheel.remove(later);
      }),
      at,
    );
    const last = new Entry();
    wheel.addAfter(last, at);
    await waitUntil('all have fired', () => last.firedAt.length === 1);
    const left = timers.mock.results.map(({ value }) => value as NodeJS.Timeout & { _idleTimeout?: number });
    expect(left.filter((timer) => (timer._idleTimeout ?? 0) > 1_000 && timer.hasRef())).toEqual([]);
  });

  it('names all entries that are pending, also to one of them that fires', async () => {
    const at = performance.now() + 10;
    let seen: WheelEntry[] = [];
    const others = [new Entry(), new Entry(), new Entry()] as const;
    const [same, removed, later] = others;
    wheel.addAfter(
      new Entry(() => {
        wheel.remove(removed);
        seen = wheel.entries();
      }),
      at,
    );
    wheel.addAfter(same, at);
    wheel.addAfter(removed, at);
    wheel.addAfter(later, at + 60_000);
    expect(wheel.entries()).toHaveLength(4);
    await waitUntil('it has fired', () => same.firedAt.length === 1);
    expect(new Set(seen)).toEqual(new Set([same, later]));
    expect(wheel.entries()).toEqual([later]);
  });

  it('never keeps the process up where it is not to', async () => {
    const timers = jest.spyOn(globalThis, 'setTimeout');
    const weak = new TimerWheel(false);
    const entry = new Entry();
    weak.addAfter(entry, performance.now() + 20);
    weak.remove(entry);
    weak.addAfter(entry, performance.now() + 25);
    for (const { value } of timers.mock.results) expect((value as NodeJS.Timeout).hasRef()).toBe(false);
    await waitUntil('it has fired', () => entry.firedAt.length === 1);
  });

  it('fires many that are due at once in turns, in order, and lets input be read in between', async () => {
    const order: number[] = [];
    let turns = 0;
    const turn = (): void => {
      turns += 1;
      if (order.length < 4_999) setImmediate(turn);
    };
    const at = performance.now() + 10;
    const entries = Array.from({ length: 5_000 }, (_, n) => new Entry(() => order.push(n)));
    const last = entries.pop() as Entry;
    wheel.addAfter(new Entry(() => wheel.remove(last)), at);
    for (const entry of [...entries, last]) wheel.addAfter(entry, at);
    setImmediate(turn);
    await waitUntil('all have fired', () => order.length === 4_999);
    expect(order).toEqual(Array.from({ length: 4_999 }, (_, n) => n));
    expect(turns).toBeGreaterThan(10);
  });

  it('fires all that is due though nothing else happens, also where it is not to keep the process up', async () => {
    const weak = new TimerWheel(false);
    const at = performance.now() + 20;
    const entries = Array.from({ length: 1_000 }, () => new Entry());
    for (const entry of entries) weak.addAfter(entry, at);
    // No timer, input or output in between that would make the event loop go round.
    await sleep(1_500);
    const firedAt = entries.flatMap((entry) => entry.firedAt);
    expect(firedAt).toHaveLength(1_000);
    expect(Math.max(...firedAt) - Math.min(...firedAt)).toBeLessThan(750);
  });

  it('fires nothing more once it is cleared, also by an entry of the same slot', async () => {
    const at = performance.now() + 20;
    wheel.addAfter(
      new Entry(() => {
        wheel.clear();
      }),
      at,
    );
    const others = Array.from({ length: 1_000 }, () => new Entry());
    for (const other of others) wheel.addAfter(other, at);
    await sleep(100);
    expect(others.every(({ firedAt }) => firedAt.length === 0)).toBe(true);
    const later = new Entry();
    wheel.addAfter(later, performance.now() + 5);
    await waitUntil('the wheel is still of use', () => later.firedAt.length === 1);
  });

  it('keeps nothing of entries that were removed, however far away they were due', async () => {
    const slots = Reflect.get(wheel, 'slots') as Map<number, unknown>;
    const order = Reflect.get(wheel, 'order') as number[];
    const start = performance.now();
    const kept = [50, 20, 90].map((ms) => ({ ms, entry: new Entry() }));
    for (const { ms, entry } of kept) wheel.addAfter(entry, start + ms);
    for (let n = 0; n < 20_000; n += 1) {
      const entry = new Entry();
      wheel.addAfter(entry, start + 60_000 + 5 * ((n * 7_919) % 20_000));
      wheel.remove(entry);
    }
    expect(slots.size).toBeLessThan(200);
    expect(order.length).toBeLessThan(200);
    await waitUntil('the others have fired', () => kept.every(({ entry }) => entry.firedAt.length === 1));
    for (const { ms, entry } of kept) expect(entry.firedAt[0]).toBeGreaterThanOrEqual(start + ms - 1);
  });

  it('takes the longest time there is without spinning', async () => {
    const timers = jest.spyOn(globalThis, 'setTimeout');
    wheel.addAfter(new Entry(), performance.now() + 2 ** 31 - 1);
    await sleep(50);
    // One by the wheel; `sleep` does not use the global one. A delay that is too long for Node fails the run by its warning.
    expect(timers).toHaveBeenCalledTimes(1);
  });
});
