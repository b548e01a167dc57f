import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { setTimeout as realSleep } from 'node:timers/promises';
import { Turn } from '../../lib/waiting/turn.js';
import { ReleaseWatch } from '../../lib/waiting/release-watch.js';
import { ScriptedStore } from './scripted-store.js';

const NAME = 'name';

describe('the wait for a release', () => {
  let store: ScriptedStore;
  beforeEach(() => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask'] });
    store = new ScriptedStore();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  const pass = (ms: number): Promise<void> => jest.advanceTimersByTimeAsync(ms);

  /** Says whether something is still under way. */
  function open(wait: Promise<void>): () => boolean {
    let on = true;
    void wait.then(() => (on = false));
    return () => on;
  }

  async function listeningReleaseWatch(turn: Turn | null): Promise<ReleaseWatch> {
    const releaseWatch = new ReleaseWatch(NAME, store, turn, () => '');
    await releaseWatch.listen();
    return releaseWatch;
  }

  it('retries at once after a notification during an attempt', async () => {
    const releaseWatch = await listeningReleaseWatch(null);
    const outlook = releaseWatch.look();
    store.hears();
    const asleep = open(releaseWatch.untilTurn(outlook, 30_000));
    await pass(0);
    expect(asleep()).toBe(false);
  });

  it('yields to others even after a notification during an attempt', async () => {
    const releaseWatch = await listeningReleaseWatch(new Turn(0, 3));
    const outlook = releaseWatch.look();
    store.hears();
    const asleep = open(releaseWatch.untilTurn(outlook, 30_000));
    await pass(3);
    expect(asleep()).toBe(true);
    await pass(30);
    expect(asleep()).toBe(false);
  });

  it('yields to others no longer than the lease runs', async () => {
    const releaseWatch = await listeningReleaseWatch(new Turn(0, 3));
    const outlook = releaseWatch.look();
    store.hears();
    const asleep = open(releaseWatch.untilTurn(outlook, 2));
    await pass(4);
    expect(asleep()).toBe(false);
  });

  it('retries at the end of the lease without a notification', async () => {
    const releaseWatch = await listeningReleaseWatch(null);
    const asleep = open(releaseWatch.untilTurn(releaseWatch.look(), 30_000));
    await pass(29_000);
    expect(asleep()).toBe(true);
    await pass(2_000);
    expect(asleep()).toBe(false);
  });

  it('ignores notifications while contenders split the votes, and follows every one after that', async () => {
    const releaseWatch = await listeningReleaseWatch(null);
    const pausing = open(releaseWatch.sleepDeaf(100));
    store.hears();
    await pass(50);
    expect(pausing()).toBe(true);
    await pass(60);
    expect(pausing()).toBe(false);
    const asleep = open(releaseWatch.sleep(1_000));
    store.hears();
    await pass(0);
    expect(asleep()).toBe(false);
  });

  it('does not count on notifications before the subscription is active and the lock was seen busy', () => {
    const releaseWatch = new ReleaseWatch(NAME, store, null, () => '');
    expect(releaseWatch.look().listening).toBe(false);
    expect(store.listening).toBe(0);
  });

  it('closes its subscription at the end', async () => {
    const releaseWatch = await listeningReleaseWatch(null);
    expect(store.listening).toBe(1);
    releaseWatch.close();
    expect(store.listening).toBe(0);
  });

  it('leaves no unhandled rejection if the subscription fails while it yields', async () => {
    jest.useRealTimers();
    const unhandled: unknown[] = [];
    const onUnhandled = (error: unknown): void => void unhandled.push(error);
    process.on('unhandledRejection', onUnhandled);
    try {
      store.refusesSubscribers = true;
      await new ReleaseWatch(NAME, store, new Turn(0, 1), () => '').stepBack(1);
      await realSleep(10);
      expect(unhandled).toEqual([]);
    } finally {
      process.off('unhandledRejection', onUnhandled);
    }
  });
});
