import { monotonic } from '../time/clock.js';
import { Hold, type Grant, type HoldObserver } from './hold.js';

/** A hold that any number of callers use at the same time: those of this process that read. */
export class SharedHold extends Hold {
  /** When the store said that no writer waits, on the monotonic clock. */
  confirmedAt: number;
  private readonly all = new Set<HoldObserver>();
  /** How long it stays taken for callers that have released it, on the monotonic clock. */
  private keepUntil = 0;

  constructor(grant: Grant) {
    super(grant);
    this.confirmedAt = this.acquiredAt;
  }

  override get users(): number {
    return this.all.size;
  }

  override attach(observer: HoldObserver): void {
    this.all.add(observer);
  }

  override detach(observer: HoldObserver): void {
    this.all.delete(observer);
  }

  /** Called when a caller has released it that wants it to stay taken for `ms` more. */
  keep(ms: number): void {
    if (ms > 0) this.keepUntil = Math.max(this.keepUntil, monotonic() + ms);
  }

  /** How much longer it must stay taken, in ms. */
  get keepMs(): number {
    return Math.max(0, this.keepUntil - monotonic());
  }

  protected override observers(): HoldObserver[] {
    return [...this.all];
  }
}
