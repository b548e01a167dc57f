import { LinkedList } from '../lists/linked-list.js';
import { Timer } from '../time/timer.js';
import type { CallerHold } from './caller-hold.js';

/** The caller holds of one service. A shutdown waits for them. */
export class CallerHolds {
  private readonly held = new LinkedList<CallerHold>();
  /** Caller holds whose lock is lost, but whose section still runs. */
  private readonly lost = new LinkedList<CallerHold>();
  private onEmpty: (() => void) | null = null;

  /** How many caller holds still have their lock. */
  get size(): number {
    return this.held.size;
  }

  begin(callerHold: CallerHold): void {
    this.held.push(callerHold);
  }

  /**
   * Called when a lock is lost. A shutdown still waits for a section that runs, but not for a lease without a section,
   * which may never be released.
   */
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

  /** Resolves when all have ended, at the latest after `timeoutMs`. `onSlow` runs if some still run after `slowMs`. */
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

  /** Called when the service closes while they still run. */
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
