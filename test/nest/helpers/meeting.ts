import { setTimeout as sleep } from 'node:timers/promises';
import type { LockService } from 'nestjs-redis-lock';
import { waitUntil } from '../../support/wait-until.js';

/**
 * A section that ends once everybody who is expected has come: to it, or to the lock before it. So callers that nothing
 * keeps apart are sure to meet in it, and a test of a lock fails when the lock is taken away.
 */
export class Meeting {
  /** The most callers that were in it at once. */
  most = 0;
  done = 0;
  private inside = 0;

  constructor(
    private readonly expected: number,
    private readonly services: () => readonly LockService[],
  ) {}

  async attend(): Promise<void> {
    this.most = Math.max(this.most, ++this.inside);
    await waitUntil(
      `${this.expected} callers have come`,
      () => this.done + this.inside + this.waiting >= this.expected,
    );
    // Who counts as waiting may only be on the way in: if nothing stops it, it is here by then.
    await sleep(20);
    this.inside--;
    this.done++;
  }

  private get waiting(): number {
    return this.services().reduce((sum, service) => sum + service.stats().waiting, 0);
  }
}
