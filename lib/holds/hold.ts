import { LockLostError, type LockLostReason } from '../errors/index.js';
import type { FencingToken } from '../fencing-token.js';
import { channels } from '../telemetry/channels.js';
import type { LostMessage, RenewedMessage } from '../telemetry/messages.js';
import type { ReleaseOutcome } from './release-outcome.js';
import { monotonic } from '../time/clock.js';
import { Deadline } from '../time/deadlines.js';
import { elapsedSince, now, type Instant } from '../time/instant.js';
import { isValid, validityOf } from '../time/validity.js';

/** The caller's side of a hold. */
export interface HoldObserver {
  onHoldLost(error: LockLostError): void;
  /** Runs `run` in the async context in which the lock was acquired. */
  inContext(run: () => void): void;
  onReleased(outcome: ReleaseOutcome): void;
}

/** The local queue's side of a hold. */
export interface HoldOwner {
  onHoldLost(hold: Hold): void;
}

export interface Grant {
  readonly name: string;
  readonly owner: string;
  readonly leaseMs: number;
  readonly sentAt: Instant;
  readonly token: FencingToken;
  readonly tokens: number;
  /** How many replicas acknowledged it. */
  readonly minReplicas: number;
}

/**
 * One acquisition that a store granted. It may serve several callers of this process, one after another, each with a
 * token of its own out of the reserved block.
 *
 * It becomes due when the watchdog has to look after it.
 */
export class Hold extends Deadline {
  readonly name: string;
  readonly owner: string;
  /** When this process got it, on the monotonic clock. */
  readonly acquiredAt: number;
  /** The length to which the watchdog renews the lease, in ms; `undefined`: it ends by itself. */
  renewMs: number | undefined;
  /** Whether the lease is unused since it was granted, or renewed for its next user. */
  fresh = true;
  /** Whether the last renewal failed: the lease still runs, but nothing should be built on it. */
  doubtful = false;
  /** How many replicas have to acknowledge each renewal: as many as the present caller asked for. */
  minReplicas: number;
  /** Set when the lock is known or must be assumed to be gone. */
  lost: LockLostError | null = null;
  /** The caller's lease that lives on this hold now. */
  observer: HoldObserver | null = null;
  /** The local queue that owns the hold. */
  queue: HoldOwner | null = null;
  /** Who watches it. */
  keeper: HoldKeeper | null = null;

  /** How many requests there were that set the lease to a length, in place of prolonging it. */
  changes = 0;

  private lease: number;
  private since: Instant;
  private current: number;
  private readonly firstToken: number;
  private readonly lastToken: number;

  constructor(grant: Grant) {
    super();
    this.name = grant.name;
    this.owner = grant.owner;
    this.lease = grant.leaseMs;
    this.since = grant.sentAt;
    this.current = grant.token;
    this.minReplicas = grant.minReplicas;
    this.firstToken = grant.token;
    this.lastToken = grant.token + grant.tokens - 1;
    this.acquiredAt = monotonic();
  }

  /** The length of the lease as it was last granted, in ms. */
  get leaseMs(): number {
    return this.lease;
  }

  /** Whether the lease is renewed. */
  get renews(): boolean {
    return this.renewMs !== undefined;
  }

  /** When the request that last set the lease was sent. */
  get sentAt(): Instant {
    return this.since;
  }

  /** The fencing token of the caller that has the hold now. */
  get token(): FencingToken {
    return this.current;
  }

  /** How long the lock may be relied on, in ms; 0 or less: no longer. */
  remaining(): number {
    return this.lost === null ? validityOf(this.lease) - elapsedSince(this.since) : 0;
  }

  /** Whether the lock may be relied on now. */
  get valid(): boolean {
    return this.lost === null && isValid(this.lease, this.since);
  }

  /**
   * Notes a renewal. It changes nothing if a length was asked for since, or if the lease lasts longer already.
   *
   * @param number `changes` when the renewal was asked for
   * @param exact whether it was a request for that length
   */
  confirm(sentAt: Instant, leaseMs: number, number: number, exact = false): void {
    if (number < this.changes) return;
    this.doubtful = false;
    if (exact ? sentAt.mono < this.since.mono : validityOf(leaseMs) - elapsedSince(sentAt) < this.remaining()) return;
    this.since = sentAt;
    this.lease = leaseMs;
    if (!channels.renewed.hasSubscribers) return;
    const message: RenewedMessage = { name: this.name, token: this.current, leaseMs };
    channels.renewed.publish(message);
  }

  /**
   * A request that sets the lease to `leaseMs` is about to be sent. A shorter lease counts from now on, since the request
   * may be carried out at any time, also if no reply comes; a longer one counts when it is confirmed. Returns what to call
   * if the request was not carried out.
   */
  foresee(leaseMs: number): () => void {
    const { since, lease, doubtful } = this;
    const number = (this.changes += 1);
    const asked = now();
    if (validityOf(leaseMs) < this.remaining()) {
      this.since = asked;
      this.lease = leaseMs;
      this.doubtful = true;
    }
    return () => {
      if (this.changes === number) this.changes -= 1;
      if (this.since === asked) Object.assign(this, { since, lease, doubtful });
    };
  }

  /** How many callers the hold has served, the present one included. */
  get tokensUsed(): number {
    return this.current - this.firstToken + 1;
  }

  hasNextToken(): boolean {
    return this.current < this.lastToken;
  }

  /** Moves on to the next caller's token. */
  advanceToken(): void {
    this.current += 1;
  }

  /** Marks the hold as lost and tells its observer, once. */
  lose(reason: LockLostReason): void {
    if (this.lost !== null) return;
    this.lost = new LockLostError(this.name, this.current, reason);
    this.queue?.onHoldLost(this);
    const { observer } = this;
    observer?.onHoldLost(this.lost);
    if (!channels.lost.hasSubscribers) return;
    const message: LostMessage = { name: this.name, token: this.current, reason };
    const publish = (): void => channels.lost.publish(message);
    if (observer === null) publish();
    else observer.inContext(publish);
  }

  override onDue(): void {
    this.keeper?.onHoldDue(this);
  }
}

/** Keeps holds alive, or watches them end. */
export interface HoldKeeper {
  /** Starts to watch a hold, or checks it again after its lease changed. */
  watch(hold: Hold): void;
  unwatch(hold: Hold): void;
  /** The time has come that was set for this hold. */
  onHoldDue(hold: Hold): void;
}
