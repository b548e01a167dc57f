import type { HeldLock } from './replica-report.js';

interface Holding {
  readonly name: string;
  readonly token: number | null;
  readonly since: number;
  /** `null` where the lock knows no lease. */
  ends: number | null;
}

/** The locks this replica holds now, as the channels tell. */
export class HeldLocks {
  private readonly holdings: Holding[] = [];

  /** @param leaseMs how long the lease runs from now on; `null` if there is none */
  taken(name: string, token: number | null, leaseMs: number | null, now = performance.now()): void {
    this.holdings.push({ name, token, since: now, ends: leaseMs === null ? null : now + leaseMs });
  }

  renewed(name: string, token: number | null, leaseMs: number, now = performance.now()): void {
    const holding = this.find(name, token);
    if (holding !== undefined) holding.ends = now + leaseMs;
  }

  /** @returns how long it was held, in ms; 0 if it was not known */
  gone(name: string, token: number | null, now = performance.now()): number {
    const holding = this.find(name, token);
    if (holding === undefined) return 0;
    this.holdings.splice(this.holdings.indexOf(holding), 1);
    return now - holding.since;
  }

  list(now = performance.now()): HeldLock[] {
    return this.holdings.map(({ name, token, since, ends }) => ({
      name,
      token,
      heldMs: Math.round(now - since),
      remainingMs: ends === null ? null : Math.max(0, Math.round(ends - now)),
    }));
  }

  /** Locks without tokens have several holders at once when they fail: the oldest goes first. */
  private find(name: string, token: number | null): Holding | undefined {
    return this.holdings.find((holding) => holding.name === name && holding.token === token);
  }
}
