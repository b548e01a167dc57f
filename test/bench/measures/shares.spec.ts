import { describe, expect, it } from '@jest/globals';
import { section } from './section.testing.js';
import { fairnessIndex, sharesOf } from './shares.js';

describe('shares of the processes', () => {
  it('are 1 where all had as much', () => {
    expect(sharesOf([section(0, 0, 1), section(1, 1, 2)], 2)).toEqual({ smallest: 1, largest: 1 });
  });

  it('are 0 for a process that had nothing', () => {
    expect(sharesOf([section(1, 0, 1), section(1, 1, 2)], 2)).toEqual({ smallest: 0, largest: 2 });
  });

  it('of nothing are nothing', () => {
    expect(sharesOf([], 2)).toBeNull();
  });
});

describe('the index of fairness', () => {
  it('is 1 where all callers had as much', () => {
    const all = [section(0, 0, 1), section(0, 1, 2, { caller: 1 }), section(1, 2, 3), section(1, 3, 4, { caller: 1 })];
    expect(fairnessIndex(all, 2, 2)).toBe(1);
  });

  it('is 1 / n where one of n had it all', () => {
    expect(fairnessIndex([section(1, 0, 1), section(1, 1, 2)], 2, 2)).toBe(0.25);
  });

  it('of nothing is nothing', () => {
    expect(fairnessIndex([], 2, 2)).toBeNull();
  });
});
