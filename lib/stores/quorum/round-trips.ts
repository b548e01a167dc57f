const MIN_TIMEOUT_MS = 50;
const TIMEOUT_SHARE = 0.05;
/** A reply may take this many typical round trips. */
const PATIENCE = 4;
/** The weight of a new measurement in the moving average. */
const WEIGHT = 1 / 8;

/** Measures how long one node typically takes to reply, and derives its timeout. */
export class RoundTrips {
  private usualMs: number | undefined;

  note(ms: number): void {
    this.usualMs = this.usualMs === undefined ? ms : this.usualMs + (ms - this.usualMs) * WEIGHT;
  }

  /** Short, since the other nodes can decide, but long enough for a distant node; at most a third of the lease. */
  timeoutFor(leaseMs: number, commandTimeout: number): number {
    const wanted = Math.max(MIN_TIMEOUT_MS, leaseMs * TIMEOUT_SHARE, PATIENCE * (this.usualMs ?? 0));
    return Math.max(1, Math.floor(Math.min(wanted, commandTimeout, leaseMs / 3)));
  }
}
