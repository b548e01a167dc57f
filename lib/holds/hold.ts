import { LockLostError, type LockLostReason } from '../errors/index.js';
import type { FencingToken } from '../fencing-token.js';
import type { KindStore, PermitCount, TakingMode, RenewReply } from '../stores/lock-store.js';
import { channels } from '../telemetry/channels.js';
import { modeOf } from '../telemetry/message-mode.js';
import type { RenewedMessage } from '../telemetry/messages.js';
import { tellLost } from '../telemetry/tell.js';
import type { ReleaseOutcome } from './release-outcome.js';
import { monotonic } from '../time/clock.js';
import { Deadline } from '../time/deadlines.js';
import { elapsedSince, now, type Instant } from '../time/instant.js';
import { isValid, validityOf } from '../time/validity.js';

/** Notifications from a hold to the caller that uses it. */
export interface HoldObserver {
  /** What it is reported as. */
  readonly label?: string | undefined;
  onHoldLost(error: LockLostError): void;
  /** Runs `run` in the async context in which the lock was acquired. */
  inContext(run: () => void): void;
  onReleased(outcome: ReleaseOutcome): void;
}

/** Notifications from a hold to its local queue. */
export interface HoldOwner {
  onHoldLost(hold: Hold): void;
  /**
   * @param keepMs if above 0, the lock stays taken for that long
   * @param observer the caller that used it
   */
  release(hold: Hold, keepMs: number, observer: HoldObserver): Promise<ReleaseOutcome>;
}

export interface Grant {
  /** The store that granted it. */
  readonly store: Pick<KindStore, 'renew'>;
  readonly name: string;
  readonly owner: string;
  readonly leaseMs: number;
  readonly sentAt: Instant;
  readonly token: FencingToken;
  readonly tokens: number;
  /** How many replicas acknowledged it. */
  readonly minReplicas: number;
  /** For a semaphore. */
  readonly permits?: PermitCount | undefined;
  /** For a read-write lock. */
  readonly mode?: TakingMode | undefined;
}

/**
 * A lock that a store granted to this process. Several callers may use it in turn, each with its own token from the
 * reserved block.
 *
 * It is a deadline: due when the watchdog must renew or check it.
 */
export class Hold extends Deadline {
  readonly name: string;
  readonly owner: string;
  /** Of a semaphore: how many permits it is, and how many there are. */
  readonly permits: PermitCount | undefined;
  /** Of a read-write lock. */
  readonly mode: TakingMode | undefined;
  /** When this process got the reply that granted it, on the monotonic clock. */
  readonly acquiredAt: number;
  /** The length to which the watchdog renews the lease, in ms; `undefined` if the lease is not renewed. */
  renewMs: number | undefined;
  /** Whether no caller has used the hold since it was granted, or renewed for the next caller. */
  fresh = true;
  /**
   * Whether the last renewal failed, or a request for a shorter lease is not confirmed. The lease still runs, but the
   * hold is not handed over.
   */
  doubtful = false;
  /** How many replicas must acknowledge each renewal, as requested by the current caller. */
  minReplicas: number;
  /** Set when the lock is lost, or must be assumed to be lost. */
  lost: LockLostError | null = null;
  /** The local queue that granted the hold to a caller last. */
  queue: HoldOwner | null = null;
  /** Whether it is in use, or on the way to the next caller: not lost, and not given back. */
  inUse = false;
  /** The keeper that watches the hold now. */
  keeper: HoldKeeper | null = null;

  /** How many requests to set the lease to an exact length, and not only to prolong it, have been sent. */
  changes = 0;

  /** The caller that uses the hold now. */
  private observer: HoldObserver | null = null;
  private lease: number;
  private since: Instant;
  private current: number;
  private readonly store: Grant['store'];
  private readonly firstToken: number;
  private readonly lastToken: number;

  constructor(grant: Grant) {
    super();
    this.store = grant.store;
    this.name = grant.name;
    this.owner = grant.owner;
    this.permits = grant.permits;
    this.mode = grant.mode;
    this.lease = grant.leaseMs;
    this.since = grant.sentAt;
    this.current = grant.token;
    this.minReplicas = grant.minReplicas;
    this.firstToken = grant.token;
    this.lastToken = grant.token + grant.tokens - 1;
    this.acquiredAt = monotonic();
  }

  /** How many callers use it at the same time. */
  get users(): number {
    return this.observer === null ? 0 : 1;
  }

  /** Called when a caller begins to use the hold. */
  attach(observer: HoldObserver): void {
    this.observer = observer;
  }

  /** Called when a caller no longer uses it. */
  detach(_observer: HoldObserver): void {
    this.observer = null;
  }

  /** What the caller that uses it is reported as; of several that read, one of them. */
  get label(): string | undefined {
    return this.observers()[0]?.label;
  }

  protected observers(): HoldObserver[] {
    return this.observer === null ? [] : [this.observer];
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

  /** The fencing token of the caller that uses the hold now. */
  get token(): FencingToken {
    return this.current;
  }

  /** How long the lock can be relied on, in ms; 0 or less if it cannot. */
  remaining(): number {
    return this.lost === null ? validityOf(this.lease) - elapsedSince(this.since) : 0;
  }

  /** Whether the lock can be relied on now. */
  get valid(): boolean {
    return this.lost === null && isValid(this.lease, this.since);
  }

  /**
   * Sends a renewal, and resolves with the store's reply, which the caller records with `confirm`.
   *
   * @param exact whether a longer lease is shortened; otherwise it is kept
   * @throws LockUnavailableError
   */
  renew(leaseMs: number, exact: boolean, minReplicas = this.minReplicas): Promise<RenewReply> {
    const { name, owner, changes } = this;
    return this.store.renew({ name, owner, leaseMs, minReplicas, number: changes, exact });
  }

  /**
   * Records a confirmed renewal. It is ignored if an exact length was requested since. A renewal that only prolongs is
   * also ignored if the lease already lasts longer.
   *
   * @param number `changes` when the renewal was sent
   * @param exact whether the request set the lease to exactly this length
   */
  confirm(sentAt: Instant, leaseMs: number, number: number, exact = false): void {
    if (number < this.changes) return;
    this.doubtful = false;
    if (exact ? sentAt.mono < this.since.mono : validityOf(leaseMs) - elapsedSince(sentAt) < this.remaining()) return;
    this.since = sentAt;
    this.lease = leaseMs;
    if (!channels.renewed.hasSubscribers) return;
    const { name, label, current: token } = this;
    const message: RenewedMessage = { name, label, mode: modeOf(this), token, leaseMs };
    channels.renewed.publish(message);
  }

  /**
   * Called before a request that sets the lease to `leaseMs`. A shorter lease counts from now on, since Redis may
   * execute the request even if no reply arrives; a longer lease counts when it is confirmed. Returns a function that
   * undoes this if the request was not executed.
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

  /** How many callers the hold has served, including the current one. */
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

  /** Marks the hold as lost and notifies its observer, once. */
  lose(reason: LockLostReason): void {
    if (this.lost !== null) return;
    this.lost = new LockLostError(this.name, this.current, reason);
    this.queue?.onHoldLost(this);
    const observers = this.observers();
    for (const each of observers) each.onHoldLost(this.lost);
    if (!channels.lost.hasSubscribers) return;
    const tell = (label: string | undefined): void => {
      tellLost({ name: this.name, label, token: this.current, hold: this }, reason);
    };
    if (observers.length === 0) tell(undefined);
    for (const each of observers) {
      each.inContext(() => {
        tell(each.label);
      });
    }
  }

  override onDue(): void {
    this.keeper?.onHoldDue(this);
  }
}

/** Renews holds, or detects the end of their leases. */
export interface HoldKeeper {
  /** Starts to watch a hold, or checks it again after its lease changed. */
  watch(hold: Hold): void;
  unwatch(hold: Hold): void;
  /** Called when the time set for this hold is reached. */
  onHoldDue(hold: Hold): void;
}
