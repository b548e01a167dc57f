import { LockUnavailableError } from '../errors/index.js';
import { Hold, type Grant } from '../holds/hold.js';
import { SharedHold } from '../holds/shared-hold.js';
import type { AcquireReply, KindStore, Rivals } from '../stores/lock-store.js';
import { OverdueError } from '../stores/overdue-error.js';
import { WrongKindError } from '../stores/wrong-kind-error.js';
import type { CleanUps } from '../stores/clean-ups.js';
import { tellNotifiedLate } from '../telemetry/tell.js';
import { monotonic } from '../time/clock.js';
import type { Turn } from './turn.js';
import { ReleaseWatch, type Outlook } from './release-watch.js';
import { haveSameOwner, mayShare, takeOf, wantSame, type Waiter, type WaitRequest } from './waiter.js';

const FIRST_RETRY_MS = 20;
const MAX_RETRY_MS = 500;
/** After split votes, the pauses of contenders double up to this length, in ms. */
const MAX_SPLIT_PAUSE_MS = 200;
/** A caller with `wait: 0` gets `LockBusyError` at the next split vote after this many in a row. */
const MAX_SPLITS = 12;
/** The lock is checked at least this often, since notifications can be lost without an error, in ms. */
const RECHECK_MS = 3_000;

/** If a lock is free no more than this long before the end of its lease, the lease may have ended, in ms. */
const EXPIRY_MARGIN_MS = 100;

type BusyReply = AcquireReply & { readonly taken: false };
type TakenReply = AcquireReply & { readonly taken: true };

/** The callers that the loop acquires the lock for. */
export interface WaitersToServe {
  readonly name: string;
  /** What they wait for, if it is not a lock. */
  readonly of?: 'semaphore' | 'latch' | undefined;
  /** The one that gets the lock; `null` when none is left. */
  readonly first: Waiter | null;
  /** Called when a reply shows that the lock is held, or that there are too few permits to take that many. */
  onBusy(remainingMs: number | undefined, take: number): void;
  /** Called after a split vote: no caller has the lock. `last`: after too many of them. */
  onSplit(last: boolean): void;
  /** Called when an attempt failed. */
  onTrouble(error: LockUnavailableError): void;
}

/** The local queue that the loop works for. */
export interface AcquiringQueue {
  /** The caller to acquire the lock for; `null` if none needs it. */
  readonly firstToAcquire: Waiter | null;
  /** Whether only one loop runs. */
  readonly hasOneLoop: boolean;
  /**
   * Whether this loop has to end, since others run that are enough.
   *
   * @param busy whether the last reply was that the lock is busy
   */
  isSurplus(busy: boolean): boolean;
  /** Called when the loop has ended: with the lock, or with `null` if it is not needed. */
  onAcquired(hold: Hold | null, loop: AcquireLoop): void;
  /** Called when the loop has ended with an unexpected error. */
  onDefect(error: unknown, loop: AcquireLoop): void;
}

/**
 * Acquires one lock for the first waiter of one local queue: attempt, subscribe, attempt again, then sleep until a
 * notification or the end of the holder's lease. Notifications are hints that can be lost: as a safeguard the lock is
 * also checked every few seconds, and once more before a waiter gets `LockBusyError`.
 */
export class AcquireLoop {
  /** Another loop of the same queue. */
  next: AcquireLoop | null = null;
  private readonly releaseWatch: ReleaseWatch;
  /** Whether a request for the lock is in flight. */
  asking = false;
  /** Whether the last attempt may have taken the lock without a reply. */
  private uncertain = false;
  /** Whether an earlier attempt may still be executed, on a connection that was closed. */
  private abandoned = false;
  /**
   * How many attempts in a row have failed (`failures`), and how many have ended in a split vote (`splits`), up to a
   * maximum.
   */
  private failures = 0;
  private splits = 0;
  /** Whether the store keeps a place for the owner in the order of the waiters. */
  private queued = false;
  /** The longest requested lease, in ms. */
  private leaseMs = 0;
  /** Whether the store was told, with the last request, that the caller waits. */
  private waited = false;
  /** The last request, and the owner that it was sent for. */
  private asked: WaitRequest | null = null;
  private owner = '';
  /** The owners that had votes at the last attempt. */
  private rivals: Rivals | undefined;
  /** The notifications when the lock was last found busy, and when its lease ends, on the monotonic clock. */
  private busy: Outlook | null = null;
  private busyUntil = 0;

  /** @param turn the estimate of which processes go first; `null` if this process does not yield */
  constructor(
    private readonly queue: AcquiringQueue,
    private readonly waiters: WaitersToServe,
    private readonly store: KindStore,
    private readonly cleanUps: CleanUps,
    private readonly nextOwner: (request: WaitRequest) => string,
    private readonly tokens: number,
    turn: Turn | null,
  ) {
    this.releaseWatch = new ReleaseWatch(waiters.name, store, turn, () => this.owner);
  }

  /** Never rejects; reports its end to the queue. */
  async run(): Promise<void> {
    const { queue, waiters, releaseWatch } = this;
    let hold: Hold | null = null;
    try {
      const stepBackMs = releaseWatch.stepBackMs();
      if (stepBackMs > 0) await releaseWatch.stepBack(stepBackMs);
      while (hold === null) {
        const first = queue.firstToAcquire;
        if (first === null) break;
        const { request } = first;
        try {
          const outlook = releaseWatch.look();
          let reply: AcquireReply;
          try {
            reply = await this.ask(first);
          } catch (error) {
            reply = await this.lateReply(error);
          }
          // The reply counts even if no waiter is left.
          this.onReply(reply, request, outlook);
          if (reply.taken) hold = this.holdOf(reply, request);
          else if (queue.isSurplus(true)) break;
          else if (waiters.first !== null && this.isReplyTo(waiters.first, request)) {
            await this.waitBehind(reply, outlook);
          }
        } catch (error) {
          this.onTrouble(await this.explained(error));
          if (queue.isSurplus(false)) break;
          if (waiters.first !== null) await this.pause();
        }
      }
    } catch (error) {
      this.close();
      queue.onDefect(error, this);
      return;
    }
    this.close();
    queue.onAcquired(hold, this);
  }

  private close(): void {
    this.releaseWatch.close();
    this.leaveOwner();
  }

  /** Releases the owner if it may have taken the lock, or has a place in the order of the waiters. */
  private leaveOwner(): void {
    if (!this.uncertain && !this.abandoned && !this.queued) return;
    this.cleanUps.add(this.waiters.name, this.owner, this.leaseMs);
    this.uncertain = this.abandoned = this.queued = false;
  }

  /**
   * Whether a busy reply to this request makes the waiter wait. It says nothing about a waiter that wants something else;
   * and a waiter may need a place first.
   */
  private isReplyTo({ request, expired }: Waiter, asked: WaitRequest): boolean {
    if (!wantSame(request, asked)) return false;
    const needsPlace = takeOf(request) > 1 || request.mode !== undefined;
    return this.waited || !needsPlace || request.wait === 0 || expired;
  }

  /** An owner has a fixed number of permits, or reads or writes. */
  private useOwnerFor(request: WaitRequest): void {
    const { asked } = this;
    this.asked = request;
    if (asked !== null && haveSameOwner(asked, request)) return;
    this.leaveOwner();
    this.owner = this.nextOwner(request);
  }

  /** Called when a waiter has left: the loop ends if none is left and no request is in flight. */
  wake(): void {
    this.releaseWatch.wake();
  }

  /**
   * Called when the wait of the first waiter is over, to get one more reply: of the request in flight, or of one that
   * is sent now. Returns `false` if no request will be sent, since a reply has just shown that the lock is busy.
   */
  askOnce(): boolean {
    return this.asking || this.releaseWatch.wake();
  }

  /** Whether it waits for notifications that do not arrive. */
  get unnotified(): boolean {
    return this.releaseWatch.unnotified;
  }

  private ask({ request, expired }: Waiter): Promise<AcquireReply> {
    const { leaseMs, minReplicas, permits, wait } = request;
    this.useOwnerFor(request);
    const { queue, store, waiters, owner, tokens, rivals } = this;
    // Of several loops all but one end if there are too few permits: theirs would be places of nobody.
    const waits = wait > 0 && !expired && queue.hasOneLoop;
    this.waited = waits;
    this.leaseMs = Math.max(this.leaseMs, leaseMs);
    this.asking = true;
    return store.acquire({
      name: waiters.name,
      owner,
      leaseMs,
      tokens,
      minReplicas,
      rivals,
      permits,
      waits,
    });
  }

  /**
   * Waits for the late reply while there are waiters: the same request, sent again on the same connection, would not
   * get its reply sooner.
   */
  private async lateReply(error: unknown): Promise<AcquireReply> {
    if (!(error instanceof OverdueError)) throw error;
    this.onTrouble(error);
    while (this.waiters.first !== null) {
      const reply = await this.releaseWatch.orWoken(error.reply as Promise<AcquireReply>);
      if (reply !== undefined) return reply;
    }
    throw error;
  }

  private onReply(reply: AcquireReply, request: WaitRequest, outlook: Outlook): void {
    this.asking = false;
    this.uncertain = false;
    this.failures = 0;
    this.releaseWatch.onTried(reply.taken, outlook);
    if (reply.taken) {
      if (this.wasNotifiedLate()) {
        const { name, of, first } = this.waiters;
        tellNotifiedLate(name, of === 'latch' ? { ...request, mode: of } : request, first?.waitedMs() ?? 0);
      }
      return;
    }
    this.rivals = reply.rivals;
    this.queued = reply.queued ?? false;
    this.busy = null;
    if (reply.pauseMs === undefined) {
      this.busy = outlook;
      this.busyUntil = monotonic() + (reply.remainingMs ?? Infinity);
      this.splits = 0;
      this.waiters.onBusy(reply.remainingMs, takeOf(request));
      return;
    }
    this.waiters.onSplit(this.splits === MAX_SPLITS);
    this.splits = Math.min(this.splits + 1, MAX_SPLITS);
  }

  /** Whether the lock was found free although no notification of its release arrived, and its lease had not ended. */
  private wasNotifiedLate(): boolean {
    const { busy, busyUntil, releaseWatch } = this;
    if (busy?.listening !== true || releaseWatch.hasHeardSince(busy)) return false;
    return monotonic() < busyUntil - EXPIRY_MARGIN_MS;
  }

  /** @throws LockUnavailableError if the lease may already have ended */
  private holdOf({ owner, token, sentAt }: TakenReply, request: WaitRequest): Hold {
    const { leaseMs, minReplicas } = request;
    this.owner = owner ?? this.owner;
    const { store, tokens, waiters } = this;
    const grant: Grant = {
      store,
      name: waiters.name,
      owner: this.owner,
      leaseMs,
      sentAt,
      token,
      // Readers have the token of the last writer.
      tokens: request.mode === 'read' ? 1 : tokens,
      minReplicas,
      permits: request.permits,
      mode: request.mode,
    };
    const hold = mayShare(request) ? new SharedHold(grant) : new Hold(grant);
    if (!hold.valid) {
      // Another attempt refreshes the lease, or takes the lock again.
      const what = 'Redis granted the lock, but the answer took longer than the lease.';
      throw new LockUnavailableError(what, waiters.name, { retryable: true, outcomeUnknown: true });
    }
    // The release of the hold also covers earlier attempts for the same owner.
    this.abandoned = this.queued = false;
    return hold;
  }

  /** Waits until the lock may be free. */
  private async waitBehind({ pauseMs, remainingMs }: BusyReply, outlook: Outlook): Promise<void> {
    const { releaseWatch } = this;
    if (pauseMs !== undefined) {
      const about = Math.min(pauseMs * 2 ** (this.splits - 1), MAX_SPLIT_PAUSE_MS);
      await releaseWatch.sleepDeaf(about * (0.5 + Math.random()));
    } else if (outlook.listening) await releaseWatch.untilTurn(outlook, Math.min(remainingMs ?? Infinity, RECHECK_MS));
    // The lock may have been released before the subscription, so it is tried again once the subscription is active.
    else await releaseWatch.orWoken(releaseWatch.listen());
  }

  private async explained(error: unknown): Promise<unknown> {
    if (!(error instanceof WrongKindError)) return error;
    return (await this.store.explain?.(this.waiters.name, error)) ?? error;
  }

  /** Handles a failed request; any other error is unexpected. */
  private onTrouble(error: unknown): void {
    this.asking = false;
    if (!(error instanceof LockUnavailableError)) throw error;
    this.uncertain ||= error.outcomeUnknown;
    this.abandoned ||= error.outcomeUnknown && !(error instanceof OverdueError);
    this.waiters.onTrouble(error.forLock(this.waiters.name));
  }

  private async pause(): Promise<void> {
    const ms = Math.min(FIRST_RETRY_MS * 2 ** this.failures, MAX_RETRY_MS);
    this.failures = Math.min(this.failures + 1, 10);
    await this.releaseWatch.sleep(ms);
  }
}
