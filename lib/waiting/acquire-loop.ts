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
/** The pauses of contenders that each got some of the votes double up to this length, in ms. */
const MAX_SPLIT_PAUSE_MS = 200;
/** After so many splits in a row, a caller that does not wait is told that the lock is busy. */
const MAX_SPLITS = 12;
/** Notifications can be lost without an error, so the lock is checked again after this long in any case, in ms. */
const RECHECK_MS = 3_000;

type BusyReply = AcquireReply & { readonly taken: false };
type TakenReply = AcquireReply & { readonly taken: true };

/** The callers that the loop acquires the lock for. */
export interface WaitersToServe {
  readonly name: string;
  /** The one that gets the lock; `null` when none is left. */
  readonly first: Waiter | null;
  /** The lock was seen held. */
  onBusy(remainingMs: number | undefined): void;
  /** No caller has the lock, but contenders got in each other's way; `last`: for too long now. */
  onSplit(last: boolean): void;
  /** Redis could not say. */
  onTrouble(error: LockUnavailableError): void;
}

/** The local queue that the loop works for. */
export interface AcquiringQueue {
  /** The loop has ended: with the lock, or with `null` since no waiter is left. */
  onAcquired(hold: Hold | null): void;
  /** The loop has ended with a defect. */
  onDefect(error: unknown): void;
}

/**
 * Acquires one lock for the head of one local queue: try, subscribe, try again, then sleep until a notification or the
 * holder's expiry. Notifications are hints that can be lost: as a safeguard the lock is also checked every few seconds, and
 * once more before a waiter is told that it is busy.
 */
export class AcquireLoop {
  private readonly releaseWatch: ReleaseWatch;
  /** Whether a request for the lock is in flight. */
  private asking = false;
  /** Whether the last try may have taken the lock without our knowing. */
  private uncertain = false;
  /** Whether an earlier try may still be carried out, on a connection that was closed. */
  private abandoned = false;
  /** How many tries in a row Redis could not answer, and after how many contenders had got in each other's way. */
  private failures = 0;
  private splits = 0;
  /** The longest lease that was asked for, in ms. */
  private leaseMs = 0;
  /** Who had votes at the last try. */
  private rivals: Rivals | undefined;

  /** @param turn which processes go first, if this one has just had the lock */
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

  /** Never rejects; reports to the queue how it ends. */
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
          // It counts even if no waiter is left.
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

  /** A waiter has left: the loop ends if none is left and no request is in flight. */
  wake(): void {
    this.releaseWatch.wake();
  }

  /**
   * The waiter at the head has no time left: it depends on the request in flight, or on one that is sent now. `false`: the
   * lock has just been seen busy, and there is no such request.
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
   * While a request is in flight, the same one behind it on the same connection would be answered no sooner: its late reply
   * is waited for, for as long as a caller wants the lock.
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

  /** @throws LockUnavailableError if the lease may be over already */
  private holdOf({ owner, token, sentAt }: TakenReply, { leaseMs, minReplicas }: WaitRequest): Hold {
    this.owner = owner ?? this.owner;
    const { tokens, waiters } = this;
    const hold = new Hold({ name: waiters.name, owner: this.owner, leaseMs, sentAt, token, tokens, minReplicas });
    if (!hold.valid) {
      // Asking again refreshes it, or finds it gone.
      const what = 'Redis granted the lock, but the answer took longer than the lease.';
      throw new LockUnavailableError(what, waiters.name, { retryable: true, outcomeUnknown: true });
    }
    // The release of a hold takes care of earlier tries for the same owner, too.
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
    // The release may have come before the subscription, so the lock is tried again once it stands.
    else await releaseWatch.orWoken(releaseWatch.listen());
  }

  /** Redis could not say; anything else is a defect. */
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
