import { LockUnavailableError } from '../errors/index.js';
import { Hold } from '../holds/hold.js';
import type { AcquireReply, LockStore, Rivals } from '../stores/lock-store.js';
import { OverdueError } from '../stores/overdue-error.js';
import type { CleanUps } from '../stores/clean-ups.js';
import type { Turn } from './turn.js';
import { ReleaseWatch, type Outlook } from './release-watch.js';
import type { Waiter, WaitRequest } from './waiter.js';

const FIRST_RETRY_MS = 20;
const MAX_RETRY_MS = 500;
/** After split votes, the pauses of contenders double up to this length, in ms. */
const MAX_SPLIT_PAUSE_MS = 200;
/** A caller with `wait: 0` gets `LockBusyError` at the next split vote after this many in a row. */
const MAX_SPLITS = 12;
/** The lock is checked at least this often, since notifications can be lost without an error, in ms. */
const RECHECK_MS = 3_000;

type BusyReply = AcquireReply & { readonly taken: false };
type TakenReply = AcquireReply & { readonly taken: true };

/** The callers that the loop acquires the lock for. */
export interface WaitersToServe {
  readonly name: string;
  /** The one that gets the lock; `null` when none is left. */
  readonly first: Waiter | null;
  /** Called when a reply shows that the lock is held. */
  onBusy(remainingMs: number | undefined): void;
  /** Called after a split vote: no caller has the lock. `last`: after too many of them. */
  onSplit(last: boolean): void;
  /** Called when an attempt failed. */
  onTrouble(error: LockUnavailableError): void;
}

/** The local queue that the loop works for. */
export interface AcquiringQueue {
  /** Called when the loop has ended: with the lock, or with `null` if no waiter is left. */
  onAcquired(hold: Hold | null): void;
  /** Called when the loop has ended with an unexpected error. */
  onDefect(error: unknown): void;
}

/**
 * Acquires one lock for the first waiter of one local queue: attempt, subscribe, attempt again, then sleep until a
 * notification or the end of the holder's lease. Notifications are hints that can be lost: as a safeguard the lock is
 * also checked every few seconds, and once more before a waiter gets `LockBusyError`.
 */
export class AcquireLoop {
  private readonly releaseWatch: ReleaseWatch;
  /** Whether a request for the lock is in flight. */
  private asking = false;
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
  /** The longest requested lease, in ms. */
  private leaseMs = 0;
  /** The owners that had votes at the last attempt. */
  private rivals: Rivals | undefined;

  /** @param turn the estimate of which processes go first; `null` if this process does not yield */
  constructor(
    private readonly queue: AcquiringQueue,
    private readonly waiters: WaitersToServe,
    private readonly store: LockStore,
    private readonly cleanUps: CleanUps,
    private owner: string,
    private readonly tokens: number,
    turn: Turn | null,
  ) {
    this.releaseWatch = new ReleaseWatch(waiters.name, store, turn);
  }

  /** Never rejects; reports its end to the queue. */
  async run(): Promise<void> {
    const { queue, waiters, releaseWatch } = this;
    let hold: Hold | null = null;
    try {
      const stepBackMs = releaseWatch.stepBackMs();
      if (stepBackMs > 0) await releaseWatch.stepBack(stepBackMs);
      for (let { first } = waiters; hold === null && first !== null; { first } = waiters) {
        const { request } = first;
        try {
          const outlook = releaseWatch.look();
          let reply: AcquireReply;
          try {
            reply = await this.ask(request);
          } catch (error) {
            reply = await this.lateReply(error);
          }
          // The reply counts even if no waiter is left.
          this.onReply(reply, outlook);
          if (reply.taken) hold = this.holdOf(reply, request);
          else if (waiters.first !== null) await this.waitBehind(reply, outlook);
        } catch (error) {
          this.onTrouble(error);
          if (waiters.first !== null) await this.pause();
        }
      }
    } catch (error) {
      this.close();
      queue.onDefect(error);
      return;
    }
    this.close();
    queue.onAcquired(hold);
  }

  private close(): void {
    this.releaseWatch.close();
    if (this.uncertain || this.abandoned) this.cleanUps.add(this.waiters.name, this.owner, this.leaseMs);
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

  private ask({ leaseMs, minReplicas }: WaitRequest): Promise<AcquireReply> {
    const { store, waiters, owner, tokens, rivals } = this;
    this.leaseMs = Math.max(this.leaseMs, leaseMs);
    this.asking = true;
    return store.acquire(waiters.name, owner, leaseMs, tokens, minReplicas, rivals);
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

  private onReply(reply: AcquireReply, outlook: Outlook): void {
    this.asking = false;
    this.uncertain = false;
    this.failures = 0;
    this.releaseWatch.onTried(reply.taken, outlook);
    if (reply.taken) return;
    this.rivals = reply.rivals;
    if (reply.pauseMs === undefined) {
      this.splits = 0;
      this.waiters.onBusy(reply.remainingMs);
      return;
    }
    this.waiters.onSplit(this.splits === MAX_SPLITS);
    this.splits = Math.min(this.splits + 1, MAX_SPLITS);
  }

  /** @throws LockUnavailableError if the lease may already have ended */
  private holdOf({ owner, token, sentAt }: TakenReply, { leaseMs, minReplicas }: WaitRequest): Hold {
    this.owner = owner ?? this.owner;
    const { tokens, waiters } = this;
    const hold = new Hold({ name: waiters.name, owner: this.owner, leaseMs, sentAt, token, tokens, minReplicas });
    if (!hold.valid) {
      // Another attempt refreshes the lease, or takes the lock again.
      const what = 'Redis granted the lock, but the answer took longer than the lease.';
      throw new LockUnavailableError(what, waiters.name, { retryable: true, outcomeUnknown: true });
    }
    // The release of the hold also covers earlier attempts for the same owner.
    this.abandoned = false;
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
