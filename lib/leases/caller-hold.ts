import type { AsyncResource } from 'node:async_hooks';
import { LockLostError, LockShutdownError, type LockError, type LockLostReason } from '../errors/index.js';
import type { FencingToken } from '../fencing-token.js';
import type { Linked, LinkedList } from '../lists/linked-list.js';
import type { Hold, HoldObserver } from '../holds/hold.js';
import type { ReleaseOutcome } from '../holds/release-outcome.js';
import { monotonic } from '../time/clock.js';
import type { WaitRequest } from '../waiting/waiter.js';
import type { LeaseState } from './lease-summary.js';

/** The operations of the service that a caller hold needs. */
export interface CallerHoldContext {
  release(callerHold: CallerHold): Promise<ReleaseOutcome>;
  onReleased(callerHold: CallerHold, outcome: ReleaseOutcome): void;
  onLost(callerHold: CallerHold, reason: LockLostReason): void;
  extend(callerHold: CallerHold, ms: number, fix: boolean): Promise<void>;
}

/**
 * The use of a hold by one caller, from grant to release. The caller's lease shares it with the leases of nested calls
 * that joined. The lock is released when the last of these leases is released.
 */
export class CallerHold implements HoldObserver, Linked<CallerHold> {
  readonly name: string;
  readonly token: FencingToken;
  /** When the lock was granted, on the monotonic clock; of several locks, when the last one was granted. */
  since = monotonic();
  /** @internal The list that contains it. */
  list: LinkedList<CallerHold> | null = null;
  /** @internal */
  previous: CallerHold | null = null;
  /** @internal */
  next: CallerHold | null = null;
  /**
   * Whether a section runs under it. A section releases the lock when it ends; a lease from `acquire` may never be
   * released.
   */
  inSection = false;
  /** What the caller is reported as. */
  readonly label: string | undefined;
  /** How long the lock stays taken at least, from `since` on, in ms. */
  private holdAtLeast: number;
  private users = 1;
  private controller: AbortController | null = null;
  private endedBy: LockLostError | LockShutdownError | null = null;

  constructor(
    readonly hold: Hold,
    { holdAtLeast, label }: Pick<WaitRequest, 'holdAtLeast' | 'label'>,
    private readonly context: CallerHoldContext,
    /** The async context in which the lock was acquired. */
    readonly origin: AsyncResource,
  ) {
    this.name = hold.name;
    this.token = hold.token;
    this.holdAtLeast = holdAtLeast;
    this.label = label;
    hold.attach(this);
    if (hold.lost !== null) this.onHoldLost(hold.lost);
  }

  /** Whether the lock was released, so that no call can join any more. */
  get over(): boolean {
    return this.users === 0;
  }

  /** Created on first use, since most sections never use it. */
  get signal(): AbortSignal {
    this.remaining();
    if (this.controller === null) {
      this.controller = new AbortController();
      if (this.endedBy !== null) this.controller.abort(this.endedBy);
    }
    return this.controller.signal;
  }

  /** Also checks the clock, since a timer is late if the event loop was blocked. */
  remaining(): number {
    if (this.endedBy !== null || this.over) return 0;
    const left = this.hold.remaining();
    if (left > 0) return left;
    this.hold.lose('expired');
    return 0;
  }

  assertHeld(): void {
    if (this.remaining() > 0) return;
    throw this.endedBy ?? new LockLostError(this.name, this.token, this.over ? 'released' : 'expired');
  }

  /** Called when the last of several locks was granted. `holdAtLeast` counts from now on. */
  begin(holdAtLeast: number): void {
    this.since = monotonic();
    this.holdAtLeast = holdAtLeast;
  }

  /** How much longer the lock must stay taken because of `holdAtLeast`, in ms. */
  keepMs(): number {
    return this.holdAtLeast === 0 ? 0 : Math.max(0, this.holdAtLeast - (monotonic() - this.since));
  }

  join(): void {
    this.users += 1;
  }

  leave(): Promise<ReleaseOutcome> {
    this.users -= 1;
    if (this.users > 0) return Promise.resolve(this.endedBy instanceof LockLostError ? 'lost' : 'released');
    return this.context.release(this);
  }

  /** @param fix whether to stop the renewals of the lease */
  extend(ms: number, fix = false): Promise<void> {
    return this.context.extend(this, ms, fix);
  }

  /** Whether the caller was notified of a loss or a shutdown. */
  get ended(): boolean {
    return this.endedBy !== null;
  }

  get state(): LeaseState {
    if (this.endedBy === null) return this.over ? 'released' : 'held';
    return this.endedBy instanceof LockLostError ? 'lost' : 'shutdown';
  }

  /** Called when the service closes while the section still runs. */
  onShutdown(): void {
    this.end(new LockShutdownError(this.name));
  }

  /** Aborts the signal, so that the caller finishes. The lock stays held, and renewed, until the caller releases it. */
  resign(reason: LockError): void {
    // Creates the controller.
    if (this.signal.aborted) return;
    const { controller } = this;
    this.inContext(() => controller?.abort(reason));
  }

  onHoldLost(error: LockLostError): void {
    if (this.endedBy === null) this.inContext(() => this.context.onLost(this, error.reason));
    this.end(error);
  }

  inContext(run: () => void): void {
    this.origin.runInAsyncScope(run);
  }

  onReleased(outcome: ReleaseOutcome): void {
    this.context.onReleased(this, outcome);
  }

  private end(error: LockLostError | LockShutdownError): void {
    if (this.endedBy !== null) return;
    this.endedBy = error;
    const { controller } = this;
    // In the caller's async context: a timer, a reply or code of another section may have detected the loss.
    if (controller !== null) this.inContext(() => controller.abort(error));
  }
}
