import type { WaitLineLength } from './replica-report.js';

/** The waiters of each lock, for systems without their own queues. */
export class WaitCounts {
  private readonly counts = new Map<string, number>();

  began(name: string): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
  }

  ended(name: string): void {
    const left = (this.counts.get(name) ?? 0) - 1;
    if (left > 0) this.counts.set(name, left);
    else this.counts.delete(name);
  }

  list(): WaitLineLength[] {
    return [...this.counts].map(([name, callers]) => ({ name, callers }));
  }
}
