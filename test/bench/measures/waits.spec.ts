import { describe, expect, it } from '@jest/globals';
import { section } from './section.testing.js';
import { unserved, waits } from './waits.js';

describe('waits', () => {
  it('compare the longest with the median', () => {
    const sections = [2, 4, 20].map((entered) => section(0, entered, entered + 1));
    expect(waits(sections)).toEqual({ medianMs: 4, longestMs: 20, longestInMedians: 5 });
  });

  it('are counted from when the lock was requested', () => {
    expect(waits([section(0, 10, 11, { asked: 7 })])?.longestMs).toBe(3);
  });

  it('of no values are null', () => {
    expect(waits([])).toBeNull();
  });
});

describe('callers that were not served', () => {
  it('are named by process and caller', () => {
    const sections = [section(0, 0, 1), section(1, 1, 2, { caller: 1 }), section(1, 2, 3, { caller: 1 })];
    expect(unserved(sections, 2, 2)).toEqual(['0/1', '1/0']);
  });
});
