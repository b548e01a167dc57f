import { inServiceContext } from '../context/service-context.js';
import { LockUnavailableError } from '../errors/index.js';
import { Timer } from '../time/timer.js';
import type { LockStore } from './lock-store.js';

const FIRST_PAUSE_MS = 50;
const MAX_PAUSE_MS = 1_000;

interface Debt {
  readonly name: string;
  readonly owner: string;
  /** `performance.now()` until which the lock is to stay taken. */
  readonly keepUntil: number;
  /** `performance.now()` after which the lease is over: a server that refuses is asked no more. */
  readonly until: number;
}

/**
 * Settles what nobody knows the outcome of: a request that may have taken a lock for somebody who no longer wants it.
 * Such an owner is released in the background, again and again, until Redis answers.
 */
export class Settler {
  private readonly pauses = new Map<Debt, () => void>();
  private readonly debts = new Set<Promise<void>>();
  private closing = false;

  /** @param untilLeaseEnds whether nothing is tried any more once the lease is over, though the store may come back */
  constructor(
    private readonly store: Pick<LockStore, 'release'>,
    private readonly untilLeaseEnds = false,
  ) {}

  get size(): number {
    return this.debts.size;
  }

  /** @param keepMs if above 0, the lock is not freed but left to expire that much later */
  settle(name: string, owner: string, leaseMs: number, keepMs = 0): void {
    const since = performance.now();
    const debt: Debt = { name, owner, keepUntil: since + keepMs, until: since + leaseMs + MAX_PAUSE_MS };
    inServiceContext(this.begin, this, debt);
  }

  /** Tries each once more, now, and forgets the rest. */
  async close(): Promise<void> {
    this.closing = true;
    for (const wake of [...this.pauses.values()]) wake();
    await Promise.all(this.debts);
  }

  private begin(debt: Debt): void {
    const done = this.work(debt).finally(() => this.debts.delete(done));
    this.debts.add(done);
  }

  private async work(debt: Debt): Promise<void> {
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, MAX_PAUSE_MS)) {
      const lastTry = this.closing;
      try {
        // Sent on the connection that the lost request used, hence after it.
        await this.store.release(debt.name, debt.owner, Math.max(0, Math.ceil(debt.keepUntil - performance.now())));
        return;
      } catch (error) {
        // A client may have kept the lost request, to send it once it is connected again: until then nothing is over.
        const hopeless = this.untilLeaseEnds || (error instanceof LockUnavailableError && !error.retryable);
        const final = hopeless && performance.now() >= debt.until;
        if (lastTry || final) return;
      }
      await this.pause(debt, pause);
    }
  }

  private pause(debt: Debt, ms: number): Promise<void> {
    if (this.closing) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        timer.stop();
        this.pauses.delete(debt);
        resolve();
      };
      const timer = new Timer(wake, false).start(ms);
      this.pauses.set(debt, wake);
    });
  }
}
