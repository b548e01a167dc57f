import { LinkedList } from '../lists/linked-list.js';
import { Timer } from '../time/timer.js';
import type { Tenure } from './tenure.js';

/** The tenures of one service that have not ended. */
export class Tenures {
  private readonly running = new LinkedList<Tenure>();
  private onEmpty: (() => void) | null = null;

  get size(): number {
    return this.running.size;
  }

  begin(tenure: Tenure): void {
    this.running.push(tenure);
  }

  end(tenure: Tenure): void {
    this.running.remove(tenure);
    if (this.running.size === 0) this.onEmpty?.();
  }

  /** The names of their locks. */
  names(): string[] {
    return this.running.entries().map(({ name }) => name);
  }

  /** Resolves when all have ended, after `timeoutMs` at the latest. `onSlow` runs if that takes as long as `slowMs`. */
  async drain(timeoutMs: number, slowMs: number, onSlow: () => void): Promise<void> {
    if (this.running.size === 0) return;
    const slow = slowMs < timeoutMs ? setTimeout(onSlow, slowMs) : undefined;
    await new Promise<void>((resolve) => {
      const timer = new Timer(resolve).start(timeoutMs);
      this.onEmpty = () => {
        timer.stop();
        resolve();
      };
    });
    clearTimeout(slow);
    this.onEmpty = null;
  }

  /** The service goes down while they still run. */
  shutDown(): void {
    for (const tenure of this.running.entries()) tenure.onShutdown();
  }
}
