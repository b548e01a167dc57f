import { describe, expect, it } from '@jest/globals';
import { MAX_PATIENCE_MS, Turn, Turns } from '../../lib/waiting/turn.js';

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
});
