import { describe, expect, it } from '@jest/globals';
import { section } from './section.testing.js';
import { sharesOf } from './shares.js';

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
