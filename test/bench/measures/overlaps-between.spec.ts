import { describe, expect, it } from '@jest/globals';
import { overlapsBetween } from './overlaps-between.js';
import { section } from './section.testing.js';

describe('overlaps between processes', () => {
  it('are none where each section begins after the one before', () => {
    expect(overlapsBetween([section(0, 0, 1), section(1, 1, 2), section(0, 2.5, 3)])).toBe(0);
  });

  it('are found whatever the order of the records', () => {
    expect(overlapsBetween([section(1, 4, 6), section(0, 0, 5)])).toBe(1);
  });

  it('count a section that begins inside a long one, also behind a short one', () => {
    expect(overlapsBetween([section(0, 0, 10), section(1, 2, 3), section(1, 5, 6), section(1, 10, 11)])).toBe(2);
  });

  it('leave sections of one process to the counter of that process', () => {
    expect(overlapsBetween([section(0, 0, 10), section(0, 5, 6)])).toBe(0);
  });

  it('do not mix up locks', () => {
    expect(overlapsBetween([section(0, 0, 10, { name: 'a' }), section(1, 5, 6, { name: 'b' })])).toBe(0);
  });
});
