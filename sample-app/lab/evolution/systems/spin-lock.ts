import { setTimeout as sleep } from 'node:timers/promises';
import { defaultPatienceMs, defaultPauseMs, nothingTold, StillTakenError } from './evolution-lock.js';
import type { EvolutionLock, Held, LockTimings } from './evolution-lock.js';

/**
 * Base of the locks of both articles: a caller that finds the lock taken sleeps and retries.
 *
 * As in the articles there is no `finally`: if the work fails, the lock is not released, as after a crash.
 */
export abstract class SpinLock implements EvolutionLock {
  private readonly pauseMs: number;
  private readonly patienceMs: number;

  constructor(
    private readonly system: string,
    { pauseMs = defaultPauseMs, patienceMs = defaultPatienceMs }: LockTimings,
  ) {
    this.pauseMs = pauseMs;
    this.patienceMs = patienceMs;
  }

  async withLock<T>(name: string, work: (held: Held) => Promise<T>): Promise<T> {
    const key = `${this.system}:${name}`;
    const value = await this.untilTaken(key);
    const result = await work(nothingTold);
    await this.giveBack(key, value);
    return result;
  }

  /** One try. Resolves with the value that now stands in Redis, or `null` if the lock is taken. */
  protected abstract take(key: string): Promise<string | null>;

  /** Releases the lock that was taken with `value`. */
  protected abstract giveBack(key: string, value: string): Promise<void>;

  private async untilTaken(key: string): Promise<string> {
    const asked = performance.now();
    for (;;) {
      const value = await this.take(key);
      if (value !== null) return value;
      const waited = performance.now() - asked;
      if (waited > this.patienceMs) throw new StillTakenError(key, waited);
      await sleep(this.pauseMs);
    }
  }
}
