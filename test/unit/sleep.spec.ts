import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { sleep as pause } from '../../lib/time/timer.js';
import { Sleep } from '../../lib/waiting/sleep.js';

const MONTH_MS = 30 * 86_400_000;

describe('a sleep', () => {
  let sleep: Sleep;
  beforeEach(() => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask'] });
    sleep = new Sleep();
  });
  afterEach(async () => {
    // A timer that runs would move to the fakes of the next test.
    sleep.end();
    await pass(0);
    jest.useRealTimers();
  });

  const pass = (ms: number): Promise<void> => jest.advanceTimersByTimeAsync(ms);

  /** Starts a sleep and says whether it is still on. */
  function asleep(ms: number): () => boolean {
    let on = true;
    void sleep.start(ms).then(() => (on = false));
    return () => on;
  }

  it('lasts into the next millisecond, since servers count whole ones', async () => {
    const on = asleep(100);
    await pass(100);
    expect(on()).toBe(true);
    await pass(1);
    expect(on()).toBe(false);
  });

  it('may be longer than the longest timer', async () => {
    const on = asleep(MONTH_MS);
    await pass(1_000);
    expect(on()).toBe(true);
    sleep.end();
    await pass(0);
    expect(on()).toBe(false);
  });

  it('can be shortened, but not prolonged', async () => {
    const shorter = asleep(1_000);
    sleep.endIn(10);
    await pass(20);
    expect(shorter()).toBe(false);
    const asBefore = asleep(20);
    await pass(10);
    sleep.endIn(1_000);
    await pass(20);
    expect(asBefore()).toBe(false);
  });

  it.each([
    { what: 'was ended', steps: ['end'] },
    { what: 'was made shorter', steps: ['shorten'] },
    { what: 'was made shorter and then ended', steps: ['shorten', 'end'] },
    { what: 'was ended and then made shorter', steps: ['end', 'shorten'] },
  ])('is not ended by the timer of an earlier one that $what', async ({ steps }) => {
    const before = asleep(50);
    for (const step of steps) {
      if (step === 'end') sleep.end();
      else sleep.endIn(30);
    }
    await pass(steps.includes('end') ? 10 : 40);
    await pass(0);
    expect(before()).toBe(false);
    const on = asleep(1_000);
    await pass(500);
    expect(on()).toBe(true);
  });

  it('is not ended by an earlier call without a sleep', async () => {
    sleep.endIn(10);
    sleep.end();
    sleep.endIn(10);
    const on = asleep(1_000);
    await pass(500);
    expect(on()).toBe(true);
  });

  it('leaves no timer behind when it is ended', async () => {
    const on = asleep(10);
    sleep.end();
    expect(jest.getTimerCount()).toBe(0);
    await pass(0);
    expect(on()).toBe(false);
  });

  it('that was shortened can be prolonged again, up to its first end', async () => {
    const on = asleep(100);
    sleep.endIn(10);
    await pass(5);
    sleep.endIn(50);
    await pass(45);
    expect(on()).toBe(true);
    sleep.endIn(1_000);
    await pass(49);
    expect(on()).toBe(true);
    await pass(5);
    expect(on()).toBe(false);
  });

  it('needs no second timer if its end does not change', async () => {
    const timers = jest.spyOn(globalThis, 'setTimeout');
    asleep(5);
    timers.mockClear();
    await pass(1);
    sleep.endIn(5);
    expect(timers).not.toHaveBeenCalled();
  });
});

describe('a pause', () => {
  it.each(['before', 'during'])('ends when its signal aborts (%s the pause)', async (when) => {
    const stop = new AbortController();
    if (when === 'before') stop.abort();
    const paused = pause(60_000, stop.signal).then(() => 'ended');
    stop.abort();
    expect(await Promise.race([paused, pause(10_000).then(() => 'late')])).toBe('ended');
  });
});
