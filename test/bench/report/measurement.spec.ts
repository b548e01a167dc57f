import { describe, expect, it } from '@jest/globals';
import { measured, medianOf } from './measurement.js';

describe('a measurement', () => {
  it('keeps all rounds beside their median and spread', () => {
    const what = { case: 'lone', contestant: 'own', metric: 'sectionsPerSecond', unit: 'sections/s' };
    expect(measured(what, [30, 10, 20])).toEqual({
      ...what,
      at: {},
      overlaps: 0,
      rounds: [30, 10, 20],
      median: 20,
      low: 10,
      high: 30,
    });
  });

  it('is none without a round', () => {
    const what = { case: 'lone', contestant: 'own', metric: 'm', unit: 'ms' };
    expect(() => measured(what, [])).toThrow('lone: nothing was measured of own.');
  });
});

describe('the median', () => {
  it('is the value in the middle', () => {
    expect(medianOf([5, 1, 9])).toBe(5);
  });

  it('is the mean of the two in the middle', () => {
    expect(medianOf([4, 1, 2, 9])).toBe(3);
  });

  it('sorts by number', () => {
    expect(medianOf([100, 9, 20])).toBe(20);
  });
});
