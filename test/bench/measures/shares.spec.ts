import { describe, expect, it } from '@jest/globals';
import { section } from './section.testing.js';
import { fairnessIndex, sharesOf } from './shares.js';

describe('shares of the processes', () => {
  it('are 1 if all had the same', () => {
    expect(sharesOf([section(0, 0, 1), section(1, 1, 2)], 2)).toEqual({ smallest: 1, largest: 1 });
  });

  it('are 0 for a process that had nothing', () => {
    expect(sharesOf([section(1, 0, 1), section(1, 1, 2)], 2)).toEqual({ smallest: 0, largest: 2 });
  });

  it('of no values are null', () => {
    expect(sharesOf([], 2)).toBeNull();
  });
});

describe('the index of fairness', () => {
  it('is 1 if all callers had the same', () => {
    const all = [section(0, 0, 1), section(0, 1, 2, { caller: 1 }), section(1, 2, 3), section(1, 3, 4, { caller: 1 })];
    expect(fairnessIndex(all, 2, 2)).toBe(1);
  });

  it('is 1 / n if one of n had everything', () => {
    expect(fairnessIndex([section(1, 0, 1), section(1, 1, 2)], 2, 2)).toBe(0.25);
  });

  it('of no values is null', () => {
    expect(fairnessIndex([], 2, 2)).toBeNull();
  });
});
