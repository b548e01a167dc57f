const MIN_TIMEOUT_MS = 50;
const TIMEOUT_SHARE = 0.05;
/** How many usual round trips a reply may take. */
const PATIENCE = 4;
/** How much one more measurement counts. */
const WEIGHT = 1 / 8;

/** How long one node usually takes to reply, and how long to wait for it. */
export class RoundTrips {
  private usualMs: number | undefined;

  note(ms: number): void {
    this.usualMs = this.usualMs === undefined ? ms : this.usualMs + (ms - this.usualMs) * WEIGHT;
  }

  /** Short, since the other nodes decide, but long enough for a node that is far away; at most a third of the lease. */
  timeoutFor(leaseMs: number, commandTimeout: number): number {
    const wanted = Math.max(MIN_TIMEOUT_MS, leaseMs * TIMEOUT_SHARE, PATIENCE * (this.usualMs ?? 0));
    return Math.max(1, Math.floor(Math.min(wanted, commandTimeout, leaseMs / 3)));
  }
}
