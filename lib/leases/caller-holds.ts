import { LinkedList } from '../lists/linked-list.js';
import { Timer } from '../time/timer.js';
import type { CallerHold } from './caller-hold.js';

/** The holds of the callers of one service, which a shutdown waits for. */
export class CallerHolds {
  private readonly held = new LinkedList<CallerHold>();
  /** Their locks are lost, but their sections still run. */
  private readonly lost = new LinkedList<CallerHold>();
  private onEmpty: (() => void) | null = null;

  /** How many have their lock. */
  get size(): number {
    return this.held.size;
  }

  begin(callerHold: CallerHold): void {
    this.held.push(callerHold);
  }

  /** A lock is lost. A section may still run; a lease without a section may never be released. */
  lose(callerHold: CallerHold): void {
    this.held.remove(callerHold);
    if (callerHold.inSection) this.lost.push(callerHold);
    else this.checkEmpty();
  }

  end(callerHold: CallerHold): void {
    callerHold.list?.remove(callerHold);
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
    for (const callerHold of this.all()) callerHold.onShutdown();
  }

  private get empty(): boolean {
    return this.held.size + this.lost.size === 0;
  }

  private checkEmpty(): void {
    if (this.empty) this.onEmpty?.();
  }

  private all(): CallerHold[] {
    return [...this.held.entries(), ...this.lost.entries()];
  }
}
