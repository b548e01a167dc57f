import { LinkedList } from '../lists/linked-list.js';
import { Timer } from '../time/timer.js';
import type { Tenure } from './tenure.js';

/** The tenures of one service that a shutdown waits for. */
export class Tenures {
  private readonly held = new LinkedList<Tenure>();
  /** Their locks are lost, but their sections still run. */
  private readonly lost = new LinkedList<Tenure>();
  private onEmpty: (() => void) | null = null;

  /** How many have their lock. */
  get size(): number {
    return this.held.size;
  }

  begin(tenure: Tenure): void {
    this.held.push(tenure);
  }

  /** A lock is lost. A section may still run; a lease without a section may never be released. */
  lose(tenure: Tenure): void {
    this.held.remove(tenure);
    if (tenure.inSection) this.lost.push(tenure);
    else this.checkEmpty();
  }

  end(tenure: Tenure): void {
    tenure.list?.remove(tenure);
    this.checkEmpty();
  }

  /** The names of their locks. */
  names(): string[] {
    return this.all().map(({ name }) => name);
  }

  /** Resolves when all have ended, after `timeoutMs` at the latest. `onSlow` runs if that takes as long as `slowMs`. */
  async drain(timeoutMs: number, slowMs = Infinity, onSlow: () => void = () => undefined): Promise<void> {
    if (this.empty) return;
    const slow = new Timer(onSlow);
    if (slowMs < timeoutMs) slow.start(slowMs);
    await new Promise<void>((resolve) => {
      const timer = new Timer(resolve).start(timeoutMs);
      this.onEmpty = () => {
        timer.stop();
        resolve();
      };
    });
    slow.stop();
    this.onEmpty = null;
  }

  /** The service goes down while they still run. */
  shutDown(): void {
    for (const tenure of this.all()) tenure.onShutdown();
  }

  private get empty(): boolean {
    return this.held.size + this.lost.size === 0;
  }

  private checkEmpty(): void {
    if (this.empty) this.onEmpty?.();
  }

  private all(): Tenure[] {
    return [...this.held.entries(), ...this.lost.entries()];
  }
}
