import { quantile } from '../../live/latency-buckets.js';
import type { ReplicaReport } from '../../live/replica-report.js';

/** What all replicas did in one second. */
export interface Second {
  /** In whole seconds since 1970. */
  readonly second: number;
  readonly requests: number;
  readonly failed: number;
  readonly refused: number;
  readonly hits: number;
  readonly rebuilds: number;
  /** `null` when no request was answered. */
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
}

interface Sums {
  second: number;
  requests: number;
  failed: number;
  refused: number;
  hits: number;
  rebuilds: number;
  readonly latency: Map<number, number>;
}

/** Sums over all replicas, second by second, for the last `length` seconds. Its size does not grow. */
export class History {
  private readonly ring: Sums[];
  private first = Infinity;

  constructor(readonly length = 60) {
    // One more than shown: the second that runs now.
    this.ring = Array.from({ length: length + 1 }, () => empty(0));
  }

  /** @param now when the report came, in ms since 1970 */
  add(report: ReplicaReport, now: number): void {
    const current = Math.floor(now / 1000);
    this.first = Math.min(this.first, current);
    const sums = this.at(current);
    sums.requests += report.requests.answered;
    sums.failed += report.requests.failed;
    sums.refused += report.requests.refused;
    sums.hits += report.cache.hits;
    sums.rebuilds += report.cache.rebuilds;
    for (const [bucket, count] of report.latency) sums.latency.set(bucket, (sums.latency.get(bucket) ?? 0) + count);
  }

  /** The last seconds that are over, oldest first, as far back as anything is known. */
  seconds(now: number): Second[] {
    const current = Math.floor(now / 1000);
    const from = Math.max(this.first, current - this.length);
    return Array.from({ length: Math.max(0, current - from) }, (_, index) => {
      const second = from + index;
      const sums = this.ring[second % this.ring.length];
      return finished(sums?.second === second ? sums : empty(second));
    });
  }

  private at(second: number): Sums {
    const index = second % this.ring.length;
    const known = this.ring[index];
    if (known?.second === second) return known;
    return (this.ring[index] = empty(second));
  }
}

function empty(second: number): Sums {
  return { second, requests: 0, failed: 0, refused: 0, hits: 0, rebuilds: 0, latency: new Map() };
}

function finished({ latency, ...sums }: Sums): Second {
  const counts = [...latency];
  return { ...sums, p50Ms: quantile(counts, 0.5), p99Ms: quantile(counts, 0.99) };
}
