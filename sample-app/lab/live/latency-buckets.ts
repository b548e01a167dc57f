// Also runs in the browser: no imports of Node.
import type { LatencyCounts } from './replica-report.js';

/** Where the first bucket ends, in ms. */
const first = 0.25;
/** How much wider each bucket is than the one before: a value read from a bucket is at most 5 % off. */
const growth = 1.1;

/** Reaches beyond two minutes; what takes longer counts as the last. */
export const bucketCount = 140;

/** The bucket a duration falls into. Everybody has the same buckets, so counts of several replicas can be added. */
export function bucketOf(ms: number): number {
  if (!(ms > first)) return 0;
  return Math.min(bucketCount - 1, Math.ceil(Math.log(ms / first) / Math.log(growth)));
}

/** The middle of a bucket, in ms. */
export function valueOf(bucket: number): number {
  return first * growth ** (bucket - 0.5);
}

/** The counts of all together. */
export function addLatencies(all: Iterable<LatencyCounts>): LatencyCounts {
  const sums = new Map<number, number>();
  for (const counts of all) for (const [bucket, count] of counts) sums.set(bucket, (sums.get(bucket) ?? 0) + count);
  return [...sums].sort(([a], [b]) => a - b);
}

/** The duration that `share` (0 to 1) of the requests did not exceed, in ms; `null` if there were none. */
export function quantile(counts: LatencyCounts, share: number): number | null {
  const sorted = [...counts].sort(([a], [b]) => a - b);
  const total = sorted.reduce((sum, [, count]) => sum + count, 0);
  let seen = 0;
  for (const [bucket, count] of sorted) {
    seen += count;
    if (count > 0 && seen >= share * total) return valueOf(bucket);
  }
  return null;
}
