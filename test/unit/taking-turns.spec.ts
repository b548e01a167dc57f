import { resumeClock } from '../support/still-clock.js';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { LockAbortedError, LockBusyError } from 'nestjs-redis-lock';
import type { Hold } from '../../lib/holds/hold.js';
import { LocalQueues } from '../../lib/waiting/local-queues.js';
import { EXCLUSIVE } from '../../lib/waiting/queue-rules.js';
import { ScriptedStore } from './scripted-store.js';
import { waitRequest } from './wait-request.js';

resumeClock();

const NAME = 'name';
const limits = { maxWaiting: 100, handOverTime: 50, handOverCount: 64 };
const keeper = { watch: () => undefined, unwatch: () => undefined, onHoldDue: () => undefined };

describe('a process that competes with others for a lock', () => {
  let store: ScriptedStore;
  let lines: LocalQueues;
  beforeEach(() => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask'] });
    store = new ScriptedStore();
    lines = new LocalQueues(EXCLUSIVE, store, keeper, limits, () => `client:${String(Math.random())}`);
  });
  afterEach(() => {
    lines.refuseAll();
    jest.useRealTimers();
  });

  const join = (wait = Infinity): Promise<Hold> => {
    const joined = lines.join(NAME, waitRequest({ wait }), (hold) => hold);
    // Those that still wait at the end of a test are refused.
    joined.catch(() => undefined);
    return joined;
  };
  const observer = { onHoldLost: () => undefined, inContext: (run: () => void) => run(), onReleased: () => undefined };
  const giveBack = (hold: Hold): Promise<unknown> => hold.queue!.release(hold, 0, observer);
  const pass = (ms: number): Promise<void> => jest.advanceTimersByTimeAsync(ms);

  /** Has the lock and gives it up; whoever is listening takes it at once. */
  async function haveATurn({ others }: { others: number }): Promise<void> {
    store.busy = false;
    store.others = others;
    const hold = await join();
    await giveBack(hold);
    store.hears();
    store.busy = others > 0;
    store.tries = 0;
  }

  it('tries once and then sleeps if notifications already arrive', async () => {
    store.counts = 0;
    void join();
    await pass(1_000);
    expect(store.tries).toBe(1);
  });

  it('sends a request as soon as a notification was read, before any timer or input', async () => {
    store.counts = 0;
    void join();
    await pass(1_000);
    store.hears();
    // Behind the promise callbacks of this turn, and no fake time passes.
    await new Promise((resolve) => {
      process.nextTick(resolve);
    });
    expect(store.tries).toBe(2);
  });

  it('retries at once after a notification during an attempt', async () => {
    store.counts = 0;
    const { acquire } = ScriptedStore.prototype;
    store.acquire = () => {
      store.acquire = acquire.bind(store);
      const reply = store.acquire();
      store.hears();
      return reply;
    };
    void join();
    await pass(0);
    expect(store.tries).toBe(2);
  });

  it('sends no more requests when the waiter has left', async () => {
    store.counts = 0;
    const leaving = new AbortController();
    const request = waitRequest({ signal: leaving.signal });
    const refused = lines.join(NAME, request, () => undefined).catch((error: unknown) => error);
    await pass(100);
    leaving.abort();
    store.hears();
    await pass(60_000);
    await expect(refused).resolves.toBeInstanceOf(LockAbortedError);
    expect(store.tries).toBe(1);
    expect([lines.waiting, lines.unsettled]).toEqual([0, 0]);
  });

  it('tries a second time after it had to subscribe, since it may have missed a notification', async () => {
    void join();
    await pass(1_000);
    expect(store.tries).toBe(2);
  });

  it('sends a request at once after a release without listeners', async () => {
    await haveATurn({ others: 0 });
    void join();
    expect(store.tries).toBe(1);
  });

  it('yields to another process after its release, and sends a request as soon as that one releases', async () => {
    store.counts = 0;
    await haveATurn({ others: 1 });
    const next = join();
    await pass(2);
    expect(store.tries).toBe(0);
    store.busy = false;
    store.hears();
    await pass(0);
    expect(store.tries).toBe(1);
    await expect(next).resolves.toMatchObject({ name: NAME });
  });

  it('never takes its own notification for that of another process, in any order', async () => {
    store.counts = 0;
    store.busy = false;
    store.others = 1;
    const hold = await join();
    const released = giveBack(hold);
    // It comes before the reply.
    store.hears();
    await released;
    store.tries = 0;
    void join();
    await pass(2);
    expect(store.tries).toBe(0);
    store.hears();
    expect(store.tries + (await pass(0).then(() => store.tries))).toBeGreaterThan(0);
  });

  it('does not wait long for processes that do not come', async () => {
    for (const others of [1, 2, 100]) {
      store.counts = 0;
      await haveATurn({ others });
      store.busy = false;
      const next = join();
      await pass(12);
      await giveBack(await next);
      await pass(2_000);
    }
  });

  it('yields to the processes ahead after a notification, but not for long', async () => {
    store.counts = 0;
    await haveATurn({ others: 3 });
    const next = join();
    await pass(100);
    const before = store.tries;
    store.hears();
    await pass(3);
    expect(store.tries).toBe(before);
    store.busy = false;
    await pass(9);
    await expect(next).resolves.toMatchObject({ name: NAME });
    expect(store.tries).toBe(before + 1);
  });

  it('sends a request at the notification that makes it the next', async () => {
    store.counts = 0;
    await haveATurn({ others: 3 });
    void join();
    await pass(100);
    const before = store.tries;
    for (let notification = 0; notification < 2; notification += 1) {
      store.hears();
      await pass(1);
    }
    expect(store.tries).toBe(before);
    store.hears();
    await pass(0);
    expect(store.tries).toBe(before + 1);
  });

  it('waits only once for a process that does not come', async () => {
    store.counts = 0;
    await haveATurn({ others: 1 });
    store.busy = false;
    const next = join();
    await pass(12);
    await giveBack(await next);
    store.hears();
    store.tries = 0;
    void join();
    expect(store.tries).toBe(1);
  });

  it('tries at once if there is no time to yield', async () => {
    store.counts = 0;
    for (const wait of [0, 5, 10]) {
      await haveATurn({ others: 1 });
      const refused = join(wait).catch((error: unknown) => error);
      expect(store.tries).toBe(1);
      await pass(50);
      await expect(refused).resolves.toBeInstanceOf(LockBusyError);
    }
  });

  it('rejects callers whose wait ends meanwhile with "busy"', async () => {
    store.counts = 0;
    await haveATurn({ others: 5 });
    const leaving = new AbortController();
    const refused = lines
      .join(NAME, waitRequest({ wait: 11, signal: leaving.signal }), () => undefined)
      .catch((error: unknown) => error);
    await pass(100);
    await expect(refused).resolves.toBeInstanceOf(LockBusyError);
  });

  it('yields once if notifications cannot be counted, and then follows each of them', async () => {
    store.countable = false;
    await haveATurn({ others: 3 });
    void join();
    store.hears();
    await pass(1);
    expect(store.tries).toBe(0);
    await pass(100);
    const before = store.tries;
    expect(before).toBeGreaterThan(0);
    store.hears();
    await pass(0);
    expect(store.tries).toBe(before + 1);
  });
});
