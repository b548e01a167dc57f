import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { monotonic } from '../../lib/time/clock.js';
import { Deadline, Deadlines } from '../../lib/time/deadlines.js';
import { waitUntil } from '../support/wait-until.js';

class Entry extends Deadline {
  readonly firedAt: number[] = [];

  constructor(private readonly then: (() => void) | null = null) {
    super();
  }

  override onDue(): void {
    this.firedAt.push(monotonic());
    this.then?.();
  }
}

describe('deadlines', () => {
  const setTimer = globalThis.setTimeout;
  let deadlines: Deadlines<Entry>;
  let timers: number;
  beforeEach(() => {
    deadlines = new Deadlines();
    timers = 0;
    globalThis.setTimeout = ((callback: () => void, ms: number, ...args: []) => {
      timers += 1;
      return setTimer(callback, ms, ...args);
    }) as typeof setTimeout;
  });
  afterEach(() => {
    globalThis.setTimeout = setTimer;
    for (const entry of deadlines.entries()) deadlines.remove(entry);
    deadlines.rest();
  });

  const add = (limitMs: number, then?: () => void): { entry: Entry; at: number } => {
    const entry = new Entry(then);
    const from = monotonic();
    deadlines.add(entry, from, limitMs);
    return { entry, at: from + limitMs };
  };
  const fired = (...all: { entry: Entry }[]): boolean => all.every(({ entry }) => entry.firedAt.length > 0);

  it('are never told early, whatever their limits and the order they began in', async () => {
    const all = [40, 10, 25, 10, 40, 5].map((ms) => add(ms));
    await waitUntil('all are over', () => fired(...all));
    for (const { entry, at } of all) {
      expect(entry.firedAt).toHaveLength(1);
      expect(entry.firedAt[0]).toBeGreaterThanOrEqual(at);
    }
    expect(deadlines.entries()).toEqual([]);
  });

  it('are not told of what was over before', async () => {
    const [gone, later] = [add(10), add(30)];
    deadlines.remove(gone.entry);
    deadlines.remove(gone.entry);
    await waitUntil('the other one is over', () => fired(later));
    expect(gone.entry.firedAt).toEqual([]);
  });

  it('take one timer for all that begin and end while it is set', () => {
    for (let n = 0; n < 1_000; n += 1) deadlines.remove(add(60_000).entry);
    expect(timers).toBe(1);
    deadlines.rest();
  });

  it('take a timer again after it has found nothing', async () => {
    deadlines.remove(add(5).entry);
    await new Promise((resolve) => setTimer(resolve, 30));
    const next = add(5);
    await waitUntil('it is over', () => fired(next));
  });

  it('may end and begin others when they are told', async () => {
    const other = add(60_000);
    let last: { entry: Entry } | undefined;
    const first = add(10, () => {
      deadlines.remove(other.entry);
      last = add(5);
    });
    await waitUntil('the last one is over', () => fired(first) && last !== undefined && fired(last));
    expect(other.entry.firedAt).toEqual([]);
    expect(deadlines.size).toBe(0);
  });

  it('do not come to rest while something is pending', async () => {
    const pending = add(20);
    deadlines.rest();
    await waitUntil('it is over', () => fired(pending));
  });

  it('come to rest when what was pending then is over', () => {
    const stop = globalThis.clearTimeout;
    let stopped = 0;
    globalThis.clearTimeout = ((timer: NodeJS.Timeout) => {
      stopped += 1;
      stop(timer);
    }) as typeof clearTimeout;
    try {
      const pending = add(60_000);
      deadlines.rest();
      expect(stopped).toBe(0);
      deadlines.remove(pending.entry);
      expect(stopped).toBe(1);
    } finally {
      globalThis.clearTimeout = stop;
    }
  });

  it('keep no list for each limit that was ever asked for', () => {
    for (let ms = 1_000; ms < 2_000; ms += 1) deadlines.remove(add(ms).entry);
    const { size } = Reflect.get(deadlines, 'lists') as ReadonlyMap<number, unknown>;
    expect(size).toBeLessThanOrEqual(16);
  });
});
