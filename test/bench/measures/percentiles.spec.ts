import { describe, expect, it } from '@jest/globals';
import { percentiles } from './percentiles.js';

describe('percentiles', () => {
  it('are values that occurred', () => {
    const values = Array.from({ length: 200 }, (_, index) => 200 - index);
    expect(percentiles(values)).toEqual({ count: 200, p50: 100, p90: 180, p99: 198, max: 200 });
  });

  it('of one value are that value', () => {
    expect(percentiles([7])).toEqual({ count: 1, p50: 7, p90: 7, p99: 7, max: 7 });
  });

  it('of no values are null', () => {
    expect(percentiles([])).toBeNull();
  });

  it('do not change the values', () => {
    const values = [3, 1, 2];
    percentiles(values);
    expect(values).toEqual([3, 1, 2]);
  });
});
