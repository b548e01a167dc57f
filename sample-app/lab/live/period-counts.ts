import { bucketOf } from './latency-buckets.js';
import type { CacheCounts, LatencyCounts, OrderCounts, RequestCounts } from './replica-report.js';

/** What is counted between two reports, and what is under way. */
export class PeriodCounts {
  private answered = 0;
  private failed = 0;
  private refused = 0;
  private running = 0;
  private latency = new Map<number, number>();
  private hits = 0;
  private misses = 0;
  private rebuilds = 0;
  private rebuilding = 0;
  private placed = 0;
  private soldOut = 0;

  requestBegan(): void {
    this.running += 1;
  }

  /**
   * @param status `null` if the client disconnected before the response
   * @param busy whether it was refused since a lock was busy
   */
  requestEnded(status: number | null, ms: number, busy: boolean): void {
    this.running -= 1;
    if (status === null) return;
    this.answered += 1;
    if (status >= 500) this.failed += 1;
    if (busy) this.refused += 1;
    const bucket = bucketOf(ms);
    this.latency.set(bucket, (this.latency.get(bucket) ?? 0) + 1);
  }

  cacheAsked(hit: boolean): void {
    if (hit) this.hits += 1;
    else this.misses += 1;
  }

  rebuildBegan(): void {
    this.rebuilds += 1;
    this.rebuilding += 1;
  }

  rebuildEnded(): void {
    this.rebuilding -= 1;
  }

  orderPlaced(): void {
    this.placed += 1;
  }

  orderSoldOut(): void {
    this.soldOut += 1;
  }

  /** Returns the counts and resets them, except for requests in progress. */
  take(): { requests: RequestCounts; latency: LatencyCounts; cache: CacheCounts; orders: OrderCounts } {
    const { answered, failed, refused, running, hits, misses, rebuilds, rebuilding, placed, soldOut } = this;
    const latency = [...this.latency].sort(([a], [b]) => a - b);
    this.answered =
      this.failed =
      this.refused =
      this.hits =
      this.misses =
      this.rebuilds =
      this.placed =
      this.soldOut =
        0;
    this.latency = new Map();
    return {
      requests: { answered, failed, refused, running },
      latency,
      cache: { hits, misses, rebuilds, rebuilding },
      orders: { placed, soldOut },
    };
  }
}
