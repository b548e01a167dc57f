import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { LockBusyError, LockUnavailableError } from 'nestjs-redis-lock';
import type { AcquireReply } from '../../lib/stores/lock-store.js';
import type { Hold } from '../../lib/holds/hold.js';
import { LocalQueues } from '../../lib/waiting/local-queues.js';
import { EXCLUSIVE } from '../../lib/waiting/queue-rules.js';
import { ScriptedStore } from './scripted-store.js';
import { waitRequest } from './wait-request.js';

const NAME = 'name';
const limits = { maxWaiting: 100, handOverTime: 50, handOverCount: 64 };
const keeper = { watch: () => undefined, unwatch: () => undefined, onHoldDue: () => undefined };

describe('a waiter whose notifications are lost', () => {
  let store: ScriptedStore;
  let lines: LocalQueues;
  beforeEach(() => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask'] });
    store = new ScriptedStore();
    // The subscription stands, and nothing arrives on it.
    store.counts = 0;
    lines = new LocalQueues(EXCLUSIVE, store, keeper, limits, () => `client:${String(Math.random())}`);
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  const join = (wait: number, signal?: AbortSignal): Promise<Hold> =>
    lines.join(NAME, waitRequest({ wait, signal }), (hold) => hold);
  const pass = (ms: number): Promise<void> => jest.advanceTimersByTimeAsync(ms);
  const outcomeOf = (waiting: Promise<Hold>): Promise<unknown> => waiting.catch((error: unknown) => error);

  it('checks the lock every 3 s', async () => {
    const waiting = join(Infinity);
    await pass(1);
    expect(store.tries).toBe(1);
    await pass(3_100);
    expect(store.tries).toBe(2);
    store.busy = false;
    await pass(3_100);
    await expect(waiting).resolves.toMatchObject({ name: NAME });
    expect(store.tries).toBe(3);
  });

  it('checks once more at the end of its wait, and gets a lock that has become free', async () => {
    const waiting = join(1_000);
    await pass(500);
    store.busy = false;
    await pass(600);
    await expect(waiting).resolves.toMatchObject({ name: NAME });
    expect(store.tries).toBe(2);
  });

  it('gets LockBusyError after the last check, with the result of that check', async () => {
    const outcome = outcomeOf(join(1_000));
    await pass(1_100);
    expect(await outcome).toBeInstanceOf(LockBusyError);
    expect(await outcome).toMatchObject({ reason: 'held' });
    expect(((await outcome) as LockBusyError).remainingMs).toBeGreaterThan(29_800);
    expect(store.tries).toBe(2);
    expect(lines.waiting).toBe(0);
  });

  it('makes one attempt with `wait: 0`', async () => {
    const outcome = outcomeOf(join(0));
    await pass(10);
    expect(await outcome).toBeInstanceOf(LockBusyError);
    expect(store.tries).toBe(1);
  });

  it('shares the last check with all waiters whose wait ends at the same time', async () => {
    const outcomes = Promise.all(Array.from({ length: 50 }, () => outcomeOf(join(1_000))));
    await pass(1_100);
    for (const outcome of await outcomes) expect(outcome).toBeInstanceOf(LockBusyError);
    // Real time also counts, so that their times may end in a few slots of the timer.
    expect(store.tries).toBeLessThan(10);
  });

  it('leaves the queue to the next waiter after its last check', async () => {
    const outcome = outcomeOf(join(1_000));
    const next = join(Infinity);
    await pass(1_100);
    expect(await outcome).toBeInstanceOf(LockBusyError);
    expect(lines.waiting).toBe(1);
    store.busy = false;
    await pass(3_100);
    await expect(next).resolves.toMatchObject({ name: NAME });
  });

  it('waits for the reply to a request in flight at the end of its wait', async () => {
    const waiting = join(3_500);
    await pass(10);
    let reply: (value: AcquireReply) => void = () => undefined;
    const { acquire } = ScriptedStore.prototype;
    store.acquire = () => {
      store.tries += 1;
      return new Promise((resolve) => (reply = resolve));
    };
    await pass(3_600);
    expect(store.tries).toBe(2);
    expect(lines.waiting).toBe(1);
    store.acquire = acquire.bind(store);
    store.busy = false;
    reply(await store.acquire());
    await expect(waiting).resolves.toMatchObject({ name: NAME });
  });

  it('checks once more even while its subscription is not confirmed', async () => {
    store.counts = undefined;
    store.subscribe = () => ({ active: false, activate: () => new Promise(() => undefined), close: () => undefined });
    const waiting = join(500);
    await pass(100);
    expect(store.tries).toBe(1);
    store.busy = false;
    await pass(500);
    await expect(waiting).resolves.toMatchObject({ name: NAME });
  });

  it('gets the error if the last check fails', async () => {
    const outcome = outcomeOf(join(1_000));
    await pass(10);
    const trouble = new LockUnavailableError('away', NAME, { retryable: true, outcomeUnknown: false });
    store.acquire = () => Promise.reject(trouble);
    await pass(1_100);
    expect(await outcome).toMatchObject({ code: 'LOCK_UNAVAILABLE' });
  });

  it('can still be aborted during its last check', async () => {
    const abort = new AbortController();
    const outcome = outcomeOf(join(1_000, abort.signal));
    await pass(10);
    store.silent = true;
    await pass(1_100);
    expect(lines.waiting).toBe(1);
    abort.abort();
    expect(await outcome).toMatchObject({ code: 'LOCK_ABORTED' });
  });
});
