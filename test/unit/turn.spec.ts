import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { MAX_PATIENCE_MS, Turn, Turns } from '../../lib/waiting/turn.js';

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

describe('a turn', () => {
  it('comes when one notification for each other listener has followed that of its own release', () => {
    const turn = new Turn(7, 3);
    expect([7, 8, 9, 10, 11, 12].map((heard) => turn.lacks(heard))).toEqual([3, 3, 2, 1, 0, 0]);
  });

  it('comes at once if notifications were not received at the release, since an unknown number was missed', () => {
    const turn = new Turn(undefined, 3);
    expect(turn.lacks(undefined)).toBe(3);
    expect(turn.lacks(0)).toBe(0);
  });

  it('comes within a limited time, for any number of other processes', () => {
    expect([0, 1, 2, 3, 1_000].map((lacking) => Turn.patience(lacking))).toEqual([0, 5, 10, 10, 10]);
    expect(Turn.patience(1_000)).toBe(MAX_PATIENCE_MS);
  });

  it('comes earlier by the processes that did not come in time', () => {
    const turn = new Turn(0, 3);
    turn.onTried(true, 2);
    expect(new Turn(10, 3, turn).lacks(11)).toBe(1);
    expect(new Turn(10, 1, turn).lacks(11)).toBe(0);
  });

  it('counts them again as soon as an unexpected process takes the lock', () => {
    const turn = new Turn(0, 3);
    turn.onTried(true, 2);
    turn.onTried(false, 1);
    expect(turn.lacks(1)).toBe(1);
    turn.onTried(false, 0);
    expect(turn.lacks(1)).toBe(3);
  });

  it('is not delayed by absent processes that return while others stay absent', () => {
    const turn = new Turn(0, 3);
    turn.onTried(true, 1);
    turn.onTried(true, 0);
    expect(turn.lacks(1)).toBe(2);
  });

  it('counts the processes that did not come, from one turn to the next', () => {
    const first = new Turn(0, 3);
    first.onTried(true, 1);
    const second = new Turn(10, 3, first);
    second.onTried(true, 2);
    expect(new Turn(20, 3, second).lacks(21)).toBe(0);
  });

  it('counts at most the processes that there are as absent, so that it yields to new ones', () => {
    const first = new Turn(0, 3);
    first.onTried(true, 3);
    const second = new Turn(10, 1, first);
    expect(new Turn(20, 3, second).lacks(21)).toBe(2);
  });

  it('counts a process as absent only for a short time, even over many turns', () => {
    let turn = new Turn(0, 3);
    turn.onTried(true, 2);
    for (let passed = 0; passed < 10; passed += 1) {
      jest.advanceTimersByTime(100);
      turn = new Turn(10, 3, turn);
    }
    expect(turn.lacks(11)).toBe(3);
  });

  it('ends the absence of all processes when the first of them is due, not the last', () => {
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
  it('are kept from one release to the next', () => {
    const turns = new Turns();
    turns.onReleased('name', 0, 2);
    turns.get('name')?.onTried(true, 1);
    turns.onReleased('name', 5, 2);
    expect(turns.get('name')?.lacks(6)).toBe(1);
  });

  it('end when no other process listens any more', () => {
    const turns = new Turns();
    turns.onReleased('name', 0, 2);
    turns.onReleased('name', 5, 0);
    expect(turns.get('name')).toBeNull();
  });

  it('are kept for each lock, whichever others were released since', () => {
    const turns = new Turns();
    turns.onReleased('first', 0, 2);
    turns.onReleased('second', 0, 3);
    expect(turns.get('first')?.lacks(1)).toBe(2);
    expect(turns.get('second')?.lacks(1)).toBe(3);
  });

  it('end when the lock was not requested again for long', () => {
    const turns = new Turns();
    turns.onReleased('name', 0, 2);
    jest.advanceTimersByTime(60_000);
    expect(turns.get('name')).toBeNull();
  });

  it('are not kept after their end, in any order of releases', () => {
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
