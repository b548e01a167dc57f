import type { ReplicaReport } from '../../live/replica-report.js';

/** A replica counts as silent after this long without a report, in ms. */
export const silentAfterMs = 1_000;

/** Rates are taken over this long, in ms. */
const windowMs = 1_500;

interface Arrived {
  readonly report: ReplicaReport;
  readonly at: number;
}

/** What is known of one replica. Times are in ms since 1970 on the page's clock. */
export class ReplicaWatch {
  private recent: readonly Arrived[] = [];

  constructor(
    private last: ReplicaReport,
    private lastAt: number,
  ) {
    this.take(last, lastAt);
  }

  get report(): ReplicaReport {
    return this.last;
  }

  /** When the last report came. */
  get heardAt(): number {
    return this.lastAt;
  }

  take(report: ReplicaReport, now: number): void {
    // A report that was overtaken by a later one of the same process counts, but is not the state now.
    if (report.pid !== this.last.pid || report.seq >= this.last.seq) this.last = report;
    this.lastAt = now;
    this.recent = [...this.recent.filter(({ at }) => now - at < windowMs), { report, at: now }];
  }

  isSilent(now: number): boolean {
    return now - this.lastAt > silentAfterMs;
  }

  /** Per second, over the last reports. 0 when it is silent. */
  rate(count: (report: ReplicaReport) => number, now: number): number {
    if (this.isSilent(now)) return 0;
    const reports = this.recent.filter(({ at }) => now - at < windowMs).map(({ report }) => report);
    const ms = sum(reports.map(({ periodMs }) => periodMs));
    return ms === 0 ? 0 : (sum(reports.map(count)) * 1_000) / ms;
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, number) => all + number, 0);
}
