import { LinkedList } from '../lists/linked-list.js';
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

  /** Resolves when all have ended, after `timeoutMs` at the latest. */
  async drain(timeoutMs: number): Promise<void> {
    if (this.running.size === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.onEmpty = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.onEmpty = null;
  }

  /** The service goes down while they still run. */
  shutDown(): void {
    for (const tenure of this.running.entries()) tenure.onShutdown();
  }
}
