import { inspect, type InspectOptions } from 'node:util';
import { LockLostError } from '../errors/index.js';
import type { ReleaseOutcome } from '../holds/release-outcome.js';
import type { FencingToken } from '../fencing-token.js';
import type { LeaseSummary } from './lease-summary.js';
import type { CallerHold } from './caller-hold.js';

/** @internal What an acquisition asks of its lease. */
export interface LeaseTerms {
  readonly leaseMs: number;
  readonly renewMs: number | undefined;
  readonly holdAtLeast: number;
}

/**
 * A lock held for a time. Keep it no longer than needed, pass its `signal` on, and hand its `token` to whatever the
 * lock guards.
 *
 * @publicApi
 */
export class Lease implements AsyncDisposable {
  private outcome: Promise<ReleaseOutcome> | null = null;
  private leaving = false;

  private constructor(
    private readonly callerHold: CallerHold,
    /** Whether this lease is a nested call's on the lock of an outer section. */
    private readonly joined: boolean,
  ) {}

  /** @internal */
  static of(callerHold: CallerHold): Lease {
    return new Lease(callerHold, false);
  }

  /** The lock's name, without the key prefix. */
  get name(): string {
    return this.callerHold.name;
  }

  /** The fencing token: larger than that of every earlier lease under this name. */
  get token(): FencingToken {
    return this.callerHold.token;
  }

  /**
   * Aborts when the lock is lost, with `LockLostError` as reason, before the lease can end anywhere else: by this
   * process's own clock, whether or not Redis can be reached. Aborts with `LockShutdownError` when the service is
   * closed under the running section.
   */
  get signal(): AbortSignal {
    return this.callerHold.signal;
  }

  /**
   * How long the lock can be relied on without another renewal, in whole ms, rounded down; 0 once it is lost or released.
   */
  remaining(): number {
    return this.outcome === null ? Math.max(0, Math.floor(this.callerHold.remaining())) : 0;
  }

  /**
   * Throws `LockLostError` unless the lock is held now. Call it right before a step that must not happen twice.
   */
  assertHeld(): void {
    if (this.outcome !== null) throw new LockLostError(this.name, this.token, 'released');
    this.callerHold.assertHeld();
  }

  /**
   * Makes the lease last `ms` from now on. A lease that renews itself goes on doing so after that.
   *
   * @throws LockLostError if the lock is not held any more
   * @throws LockUnavailableError if Redis cannot be reached; the lease then lasts as long as it did, or `ms` if that is
   *   shorter, since it is unknown whether Redis did it
   */
  async extend(ms: number): Promise<void> {
    if (this.outcome !== null) throw new LockLostError(this.name, this.token, 'released');
    await this.callerHold.extend(ms);
  }

  /**
   * Gives the lock up. Never rejects, and a second call changes nothing.
   *
   * Resolves with `released`; with `lost` if the lock was not ours any more; or with `unconfirmed` if Redis did not
   * answer, in which case it is tried again in the background until it does.
   */
  release(): Promise<ReleaseOutcome> {
    if (this.outcome !== null) return this.outcome;
    // A subscriber that hears of the release may release it again before this is done.
    if (this.leaving) return Promise.resolve().then(() => this.outcome as Promise<ReleaseOutcome>);
    this.leaving = true;
    return (this.outcome = this.callerHold.leave());
  }

  toJSON(): LeaseSummary {
    const remainingMs = this.remaining();
    const { name, token, callerHold } = this;
    const state = this.outcome !== null && callerHold.state === 'held' ? 'released' : callerHold.state;
    return { name, token, state, remainingMs };
  }

  [inspect.custom](_depth: number, options: InspectOptions): string {
    return `Lease ${inspect(this.toJSON(), options)}`;
  }

  /** Releases the lock at the end of an `await using` block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
  }

  /**
   * @internal All locks of several are there: the fixed lease and `holdAtLeast` count from now on. A joined lease stays as
   * the outer section wants it.
   */
  async begin({ leaseMs, renewMs, holdAtLeast }: LeaseTerms): Promise<void> {
    if (this.joined) return;
    this.callerHold.begin(holdAtLeast);
    // If the process dies now, the lock stays taken for as long as its lease lasts.
    const renews = renewMs !== undefined;
    if (!renews || holdAtLeast > this.callerHold.remaining()) await this.callerHold.extend(leaseMs, !renews);
  }

  /** @internal Code begins to run under this lease; it ends by releasing it. */
  enterSection(): void {
    this.callerHold.inSection = true;
  }

  /** @internal A lease for a nested call, on the same lock; `null` when this one is over. */
  join(): Lease | null {
    if (this.callerHold.remaining() <= 0) return null;
    this.callerHold.join();
    return new Lease(this.callerHold, true);
  }
}
