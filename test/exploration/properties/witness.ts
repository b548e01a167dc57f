import type { Lease } from 'nestjs-redis-lock';

/**
 * Watches who is inside, without using the lock. The model is simple: a lease counts from its grant until it is
 * released or its own clock says it is over; no two may count at once, and tokens grow.
 */
export class Witness {
  readonly violations: string[] = [];
  readonly tokens: number[] = [];
  private inside = new Set<Lease>();
  private lostUntil = 0;

  enter(lease: Lease): void {
    if (this.tokens.includes(lease.token)) this.violations.push(`token ${String(lease.token)} was issued twice`);
    const highest = Math.max(...this.tokens);
    this.tokens.push(lease.token);
    // Granted before the state was lost, told after it: a resource refuses it. A token is about the time of its grant.
    if (lease.token <= this.lostUntil) return;
    if (lease.token <= highest) {
      this.violations.push(`token ${String(lease.token)} came after ${String(highest)}`);
    }
    const others = [...this.inside].filter((other) => other.remaining() > 0);
    if (others.length > 0 && lease.remaining() > 0) {
      this.violations.push(
        `${String(lease.token)} entered while ${others.map(({ token }) => token).join()} was inside`,
      );
    }
    this.inside.add(lease);
  }

  leave(lease: Lease): void {
    this.inside.delete(lease);
  }

  /** The store lost its state: whoever is inside is no longer protected, and only the tokens still have to hold. */
  stateLost(): void {
    this.inside = new Set();
    this.lostUntil = (performance.timeOrigin + performance.now() + 1) * 1_000;
  }
}
