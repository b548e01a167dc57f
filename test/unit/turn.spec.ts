import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { MAX_PATIENCE_MS, Turn, Turns } from '../../lib/waiting/turn.js';

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

describe('a turn', () => {
  it('comes when as many notices were heard, after that of the own release, as others listened', () => {
    const turn = new Turn(7, 3);
    expect([7, 8, 9, 10, 11, 12].map((heard) => turn.lacks(heard))).toEqual([3, 3, 2, 1, 0, 0]);
  });

  it('is there when notices arrive now and did not when the lock was given up: nobody knows how many were missed', () => {
    const turn = new Turn(undefined, 3);
    expect(turn.lacks(undefined)).toBe(3);
    expect(turn.lacks(0)).toBe(0);
  });

  it('is never waited for longer than a bound, however many others there are', () => {
    expect([0, 1, 2, 3, 1_000].map((lacking) => Turn.patience(lacking))).toEqual([0, 5, 10, 10, 10]);
    expect(Turn.patience(1_000)).toBe(MAX_PATIENCE_MS);
  });

  it('comes earlier by those who had time and did not come', () => {
    const turn = new Turn(0, 3);
    turn.onTried(true, 2);
    expect(new Turn(10, 3, turn).lacks(11)).toBe(1);
    expect(new Turn(10, 1, turn).lacks(11)).toBe(0);
  });

  it('counts them again as soon as somebody takes the lock whose turn was not expected', () => {
    const turn = new Turn(0, 3);
    turn.onTried(true, 2);
    turn.onTried(false, 1);
    expect(turn.lacks(1)).toBe(1);
    turn.onTried(false, 0);
    expect(turn.lacks(1)).toBe(3);
  });

  it('comes no later by those who are back when the lock is taken in turn: some still do not come', () => {
    const turn = new Turn(0, 3);
    turn.onTried(true, 1);
    turn.onTried(true, 0);
    expect(turn.lacks(1)).toBe(2);
  });

  it('counts up who did not come, from one turn to the next', () => {
    const first = new Turn(0, 3);
    first.onTried(true, 1);
    const second = new Turn(10, 3, first);
    second.onTried(true, 2);
    expect(new Turn(20, 3, second).lacks(21)).toBe(0);
  });

  it('takes no more for absent than there are others, so that new ones are let go first', () => {
    const first = new Turn(0, 3);
    first.onTried(true, 3);
    const second = new Turn(10, 1, first);
    expect(new Turn(20, 3, second).lacks(21)).toBe(2);
  });

  it('takes nobody for absent for long, however many turns pass meanwhile', () => {
    let turn = new Turn(0, 3);
    turn.onTried(true, 2);
    for (let passed = 0; passed < 10; passed += 1) {
      jest.advanceTimersByTime(100);
      turn = new Turn(10, 3, turn);
    }
    expect(turn.lacks(11)).toBe(3);
  });

  it('asks after all who did not come when the first of them is due, not after the last', () => {
    const first = new Turn(0, 3);
    first.onTried(true, 1);
    jest.advanceTimersByTime(200);
    const second = new Turn(10, 3, first);
    second.onTried(true, 1);
    jest.advanceTimersByTime(100);
    expect(new Turn(20, 3, second).lacks(21)).toBe(3);
  });
});

describe('the turns of a process', () => {
  it('are kept from one release to the next, with what was learned', () => {
    const turns = new Turns();
    turns.onReleased('name', 0, 2);
    turns.get('name')?.onTried(true, 1);
    turns.onReleased('name', 5, 2);
    expect(turns.get('name')?.lacks(6)).toBe(1);
  });

  it('end when nobody else listens any more', () => {
    const turns = new Turns();
    turns.onReleased('name', 0, 2);
    turns.onReleased('name', 5, 0);
    expect(turns.get('name')).toBeNull();
  });

  it('are those of each lock, whatever others were given up since', () => {
    const turns = new Turns();
    turns.onReleased('first', 0, 2);
    turns.onReleased('second', 0, 3);
    expect(turns.get('first')?.lacks(1)).toBe(2);
    expect(turns.get('second')?.lacks(1)).toBe(3);
  });

  it('are over when the lock was not asked for again for long', () => {
    const turns = new Turns();
    turns.onReleased('name', 0, 2);
    jest.advanceTimersByTime(60_000);
    expect(turns.get('name')).toBeNull();
  });

  it('are not kept when they are over, in whatever order locks are given up', () => {
    const turns = new Turns();
    const kept = (): string[] => [...(Reflect.get(turns, 'turns') as Map<string, Turn>).keys()];
    for (const name of ['often', 'once', 'twice']) turns.onReleased(name, 0, 2);
    jest.advanceTimersByTime(900);
    for (const name of ['twice', 'often']) turns.onReleased(name, 0, 2);
    jest.advanceTimersByTime(200);
    turns.onReleased('new', 0, 2);
    expect(kept()).toEqual(['twice', 'often', 'new']);
    jest.advanceTimersByTime(60_000);
    turns.onReleased('last', 0, 2);
    expect(kept()).toEqual(['last']);
  });
});
