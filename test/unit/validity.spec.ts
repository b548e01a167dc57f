import { describe, expect, it, jest } from '@jest/globals';
import type { Hold as LockHold } from '../../lib/holds/hold.js';

// The library takes the clocks that it finds when it is loaded for the real ones.
const clocks = { mono: 0, wall: 0 };
jest.spyOn(performance, 'now').mockImplementation(() => clocks.mono);
jest.spyOn(Date, 'now').mockImplementation(() => clocks.wall);
const { Hold } = await import('../../lib/holds/hold.js');
const { validityOf } = await import('../../lib/time/validity.js');
const { elapsedSince, now } = await import('../../lib/time/instant.js');
const { ScriptedStore } = await import('./scripted-store.js');

const common = { store: new ScriptedStore(), name: 'n', owner: 'o', minReplicas: 0 };
const grant = (leaseMs: number, tokens = 1): LockHold =>
  new Hold({ ...common, leaseMs, sentAt: now(), token: 100, tokens });

describe('the validity of a lease', () => {
  const setClocks = (mono: number, wall: number): void => {
    Object.assign(clocks, { mono, wall });
  };

  it('is the lease less 1 % and 2 ms', () => {
    expect(validityOf(10_000)).toBe(9_898);
    expect(validityOf(100)).toBe(97);
    // The shortest lease there may be is still one.
    expect(validityOf(10)).toBeGreaterThan(0);
  });

  it('counts the larger of the two clocks', () => {
    setClocks(1_000, 50_000);
    const then = now();
    setClocks(1_100, 50_030);
    expect(elapsedSince(then)).toBe(100);
    setClocks(1_100, 58_000);
    expect(elapsedSince(then)).toBe(8_000);
    setClocks(1_100, 0);
    expect(elapsedSince(then)).toBe(100);
  });

  it('counts from when the request was sent', () => {
    setClocks(1_000, 50_000);
    const sentAt = now();
    setClocks(1_400, 50_400);
    const hold = new Hold({ ...common, leaseMs: 1_000, sentAt, token: 1, tokens: 1 });
    expect(hold.remaining()).toBe(validityOf(1_000) - 400);
  });

  it('is prolonged by a renewal, counted from when it was sent, but not by an earlier one of the same length', () => {
    setClocks(0, 0);
    const hold = grant(1_000);
    const early = { mono: 100, wall: 100 };
    const late = { mono: 300, wall: 300 };
    setClocks(400, 400);
    hold.confirm(late, 1_000, 0);
    expect(hold.remaining()).toBe(validityOf(1_000) - 100);
    hold.confirm(early, 1_000, 0);
    expect(hold.remaining()).toBe(validityOf(1_000) - 100);
  });

  it('is not shortened by a renewal with less than the remaining time', () => {
    setClocks(0, 0);
    const hold = grant(60_000);
    setClocks(100, 100);
    hold.confirm(now(), 1_000, 0);
    expect(hold.remaining()).toBe(validityOf(60_000) - 100);
  });

  it('is not prolonged by a renewal that was sent before a request for a shorter lease', () => {
    setClocks(0, 0);
    const hold = grant(1_000);
    const before = hold.changes;
    hold.foresee(100);
    hold.confirm(now(), 60_000, before);
    expect(hold.remaining()).toBe(validityOf(100));
    hold.confirm(now(), 2_000, hold.changes);
    expect(hold.remaining()).toBe(validityOf(2_000));
  });

  it('is shortened from the request for a shorter lease on, and restored if the request was rejected', () => {
    setClocks(0, 0);
    const hold = grant(1_000);
    const takeBack = hold.foresee(100);
    expect(hold.remaining()).toBe(validityOf(100));
    expect(hold.doubtful).toBe(true);
    takeBack();
    expect(hold.remaining()).toBe(validityOf(1_000));
    expect(hold.doubtful).toBe(false);
    hold.foresee(60_000);
    expect(hold.remaining()).toBe(validityOf(1_000));
  });

  it('keeps a lease that was confirmed since', () => {
    setClocks(0, 0);
    const hold = grant(1_000);
    const takeBack = hold.foresee(100);
    hold.confirm({ mono: 50, wall: 50 }, 2_000, hold.changes);
    takeBack();
    expect(hold.remaining()).toBe(validityOf(2_000) + 50);
  });

  it('is 0 once the hold is lost, and a hold is lost only once', () => {
    const hold = grant(1_000);
    const heard: string[] = [];
    hold.queue = { onHoldLost: () => heard.push('line'), release: () => Promise.resolve('released') };
    hold.attach({
      onHoldLost: ({ reason }) => heard.push(reason),
      inContext: (run: () => void) => run(),
      onReleased: () => undefined,
    });
    hold.lose('taken');
    hold.lose('expired');
    expect(hold.remaining()).toBe(0);
    expect(heard).toEqual(['line', 'taken']);
    hold.confirm(now(), 60_000, 0);
    expect(hold.remaining()).toBe(0);
  });

  it('has the tokens of its block and no more', () => {
    const hold = grant(1_000, 3);
    const tokens = [hold.token];
    while (hold.hasNextToken()) {
      hold.advanceToken();
      tokens.push(hold.token);
    }
    expect(tokens).toEqual([100, 101, 102]);
  });
});
