import { inspect, type InspectOptions } from 'node:util';
import { LockConfigError, LockLostError, type LockError } from '../errors/index.js';
import { quoteName } from '../errors/quote-name.js';
import type { ReleaseOutcome } from '../holds/release-outcome.js';
import type { FencingToken } from '../fencing-token.js';
import type { WaitRequest } from '../waiting/waiter.js';
import type { AbandonedLeases, CallSite, WatchedLease } from './abandoned-leases.js';
import { kindOf, type Kind } from './kind.js';
import type { LeaseSummary } from './lease-summary.js';
import type { CallerHold } from './caller-hold.js';

/** @internal The options of an acquisition that apply to its lease. */
export interface LeaseTerms {
  readonly leaseMs: number;
  readonly renewMs: number | undefined;
  readonly holdAtLeast: number;
}

/**
 * A lock that is held for a limited time. Keep it no longer than needed, pass its `signal` on, and send its `token`
 * with each write to the guarded resource.
 *
 * @publicApi
 */
export class Lease implements AsyncDisposable {
  private outcome: Promise<ReleaseOutcome> | null = null;
  private leaving = false;
  /** @internal Set if it is reported when it is garbage-collected without a release. */
  watched: WatchedLease | null = null;

  private constructor(
    private readonly callerHold: CallerHold,
    /** Whether this is the lease of a nested call on the lock of an outer section. */
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

  /**
   * The fencing token: larger than that of every earlier lease under this name. With `mode: 'read'` it is that of the last
   * lease to write.
   */
  get token(): FencingToken {
    return this.callerHold.token;
  }

  /**
   * Aborts when the lock is lost, with `LockLostError` as the reason. By this process's own clock it aborts before the
   * lease ends in Redis, even if Redis cannot be reached. Aborts with `LockShutdownError` when the service is closed
   * while the section still runs. The signal of a leader's term also aborts when the leader resigns.
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
   * Sets the lease to end `ms` from now, 10 to 86 400 000, but not before `holdAtLeast` has passed. A lease that is
   * renewed continues to be renewed. While other callers of this process read, too, the lease is not made shorter.
   *
   * @throws LockLostError if the lock is no longer held
   * @throws LockUnavailableError if Redis cannot be reached; the lease then keeps its end, or ends after `ms` if that
   *   is sooner, since Redis may have executed the request
   */
  async extend(ms: number): Promise<void> {
    if (this.outcome !== null) throw new LockLostError(this.name, this.token, 'released');
    await this.callerHold.extend(ms);
  }

  /**
   * Releases the lock. Never rejects; further calls have no effect.
   *
   * Resolves with `released`; with `lost` if the lock was no longer held; or with `unconfirmed` if Redis did not reply,
   * in which case the release is retried in the background until it does.
   */
  release(): Promise<ReleaseOutcome> {
    if (this.outcome !== null) return this.outcome;
    // A subscriber of the channel `released` may call this again before `leave` returns.
    if (this.leaving) return Promise.resolve().then(() => this.outcome as Promise<ReleaseOutcome>);
    this.leaving = true;
    this.watched?.release();
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
   * @internal Called when all of several locks are held: the fixed lease and `holdAtLeast` count from now on. A joined
   * lease keeps the options of the outer section.
   */
  async begin({ leaseMs, renewMs, holdAtLeast }: LeaseTerms): Promise<void> {
    if (this.joined) return;
    this.callerHold.begin(holdAtLeast);
    // The lease must cover `holdAtLeast`: if the process dies, the lock stays taken only until the lease ends.
    const renews = renewMs !== undefined;
    if (!renews || holdAtLeast > this.callerHold.remaining()) await this.callerHold.extend(leaseMs, !renews);
  }

  /** @internal Its lock is released, and its caller is reported, if it is garbage-collected without a release. */
  watchWith(abandoned: AbandonedLeases, site: CallSite): void {
    abandoned.watch(this, this.callerHold, site);
  }

  /** @internal */
  get kind(): Kind {
    return kindOf(this.callerHold.hold);
  }

  /** @internal Why a nested call cannot join it; `undefined` if it can. */
  obstacleTo(request: Pick<WaitRequest, 'permits' | 'mode'>): LockConfigError | undefined {
    const { permits, mode } = this.callerHold.hold;
    const [taken, wanted] = [permits?.take ?? 0, request.permits?.take ?? 0];
    if (wanted > taken) {
      return new LockConfigError(
        `A call inside a section that has ${String(taken)} of the permits of ${quoteName(this.name)} cannot join it to take ` +
          `${String(wanted)}. Take all of them at once, in the outer call.`,
        this.name,
      );
    }
    if (mode !== 'read' || request.mode !== 'write') return undefined;
    return new LockConfigError(
      `A call inside a section that reads under ${quoteName(this.name)} cannot write: it would wait for its own section. Use ` +
        `mode: 'write' in the outer call.`,
      this.name,
    );
  }

  /** @internal The value that is stored in Redis for this lock. */
  get owner(): string {
    return this.callerHold.hold.owner;
  }

  /** @internal Aborts the signal, so that the caller finishes. The lock stays held until the caller releases it. */
  resign(reason: LockError): void {
    this.callerHold.resign(reason);
  }

  /** @internal Called when a section begins to run under this lease. */
  enterSection(): void {
    this.callerHold.inSection = true;
  }

  /** @internal A lease on the same lock for a nested call; `null` if this lease has ended. */
  join(): Lease | null {
    if (this.callerHold.remaining() <= 0) return null;
    this.callerHold.join();
    return new Lease(this.callerHold, true);
  }
}
