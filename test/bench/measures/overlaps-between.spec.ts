import { describe, expect, it } from '@jest/globals';
import { overlapsBetween } from './overlaps-between.js';
import { section } from './section.testing.js';

describe('overlaps between processes', () => {
  it('are none if each section begins after the previous one', () => {
    expect(overlapsBetween([section(0, 0, 1), section(1, 1, 2), section(0, 2.5, 3)])).toBe(0);
  });

  it('are found in any order of the records', () => {
    expect(overlapsBetween([section(1, 4, 6), section(0, 0, 5)])).toBe(1);
  });

  it('include a section that begins inside a long one and after a short one', () => {
    expect(overlapsBetween([section(0, 0, 10), section(1, 2, 3), section(1, 5, 6), section(1, 10, 11)])).toBe(2);
  });

  it('do not include sections of the same process', () => {
    expect(overlapsBetween([section(0, 0, 10), section(0, 5, 6)])).toBe(0);
  });

  it('are only those beyond the permits', () => {
    const three = [section(0, 0, 10), section(1, 1, 10), section(2, 2, 10)];
    expect(overlapsBetween(three, 3)).toBe(0);
    expect(overlapsBetween(three, 2)).toBe(1);
    expect(overlapsBetween([...three, section(0, 10, 11)], 3)).toBe(0);
    expect(overlapsBetween([section(0, 0, 10), section(0, 1, 10), section(1, 2, 3)], 2)).toBe(1);
  });

  it('are counted for each lock', () => {
    expect(overlapsBetween([section(0, 0, 10, { name: 'a' }), section(1, 5, 6, { name: 'b' })])).toBe(0);
  });
});
