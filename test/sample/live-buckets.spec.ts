import { describe, expect, it } from '@jest/globals';
import { addLatencies, bucketCount, bucketOf, quantile } from '../../sample-app/lab/live/latency-buckets.js';
import type { LatencyCounts } from '../../sample-app/lab/live/replica-report.js';

describe('the buckets for latencies', () => {
  const counted = (durations: number[]): LatencyCounts => durations.map((ms) => [bucketOf(ms), 1] as const);

  it('return every duration from half a millisecond to two minutes to within 5 %', () => {
    for (let ms = 0.5; ms < 120_000; ms *= 1.03) {
      expect(Math.abs(quantile(counted([ms]), 1)! / ms - 1)).toBeLessThan(0.05);
    }
  });

  it('count shorter and longer ones in the first and the last bucket', () => {
    expect([0, -1, Number.NaN, 0.2].map(bucketOf)).toEqual([0, 0, 0, 0]);
    expect([1e7, Number.POSITIVE_INFINITY].map(bucketOf)).toEqual([bucketCount - 1, bucketCount - 1]);
  });

  it('of several replicas can be added for common quantiles', () => {
    const one = counted(Array.from({ length: 98 }, () => 10));
    const sums = addLatencies([one, counted([100, 1000])]);
    expect(sums.reduce((total, [, count]) => total + count, 0)).toBe(100);
    expect(sums).toHaveLength(3);
    const expected = { 0.5: 10, 0.98: 10, 0.99: 100, 1: 1000 };
    for (const [share, ms] of Object.entries(expected)) {
      expect(Math.abs(quantile(sums, Number(share))! / ms - 1)).toBeLessThan(0.05);
    }
    expect(quantile([], 0.5)).toBeNull();
  });
});
