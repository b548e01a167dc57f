import { LockUnavailableError } from '../errors/index.js';
import { Hold } from '../holds/hold.js';
import type { AcquireReply, LockStore, Rivals } from '../stores/lock-store.js';
import { OverdueError } from '../stores/overdue-error.js';
import type { CleanUps } from '../stores/clean-ups.js';
import { onMicrotask } from '../time/ticks.js';
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

/** The local queue that the loop works for. */
export interface AcquiringQueue {
  readonly name: string;
  /** The waiter that gets the lock; `null` when none is left. */
  head(): Waiter | null;
  /** The lock was seen held. */
  onBusy(remainingMs: number | undefined): void;
  /** No caller has the lock, but contenders got in each other's way; `last`: for too long now. */
  onSplit(last: boolean): void;
  /** Redis could not say. */
  onTrouble(error: LockUnavailableError): void;
  /** The loop has ended: with the lock, or with `null` since no waiter is left. */
  onAcquired(hold: Hold | null): void;
  /** The loop has ended with a defect. */
  onDefect(error: unknown): void;
}

/**
 * Acquires one lock for the head of one local queue: try, subscribe, try again, then sleep until a notification or the holder's expiry.
 * Notifications are hints that can be lost: as a safeguard the lock is also checked every few seconds, and once more
 * before a waiter is told that it is busy.
 */
export class AcquireLoop {
  private readonly releaseWatch: ReleaseWatch;
  /** Whether the last try may have taken the lock without our knowing. */
  private uncertain = false;
  /** Whether a request for the lock is in flight. */
  private asking = false;
  /** The subscription that is being confirmed. */
  private listening: Promise<void> | null = null;
  /** Whether an earlier try may still be carried out, on a connection that was closed. */
  private abandoned = false;
  /** The late reply that is waited for. */
  private late: Promise<AcquireReply> | null = null;
  /** How many tries in a row Redis could not answer, and after how many contenders had got in each other's way. */
  private failures = 0;
  private splits = 0;
  private leaseMs = 0;
  /** Who had votes at the last try. */
  private rivals: Rivals | undefined;
  /** What the last request was made for, and how things stood then. */
  private asked: WaitRequest | null = null;
  private outlook!: Outlook;

  /** @param turn which processes go first, if this one has just had the lock */
  constructor(
    private readonly queue: AcquiringQueue,
    private readonly store: LockStore,
    private readonly cleanUps: CleanUps,
    private owner: string,
    private readonly tokens: number,
    turn: Turn | null,
  ) {
    this.releaseWatch = new ReleaseWatch(queue.name, store, turn);
  }

  /** Never throws; reports to the queue how it ends. */
  start(): void {
    const stepBackMs = this.releaseWatch.stepBackMs();
    if (stepBackMs > 0) this.releaseWatch.stepBack(stepBackMs, this.attempt);
    else this.attempt();
  }

  /** Something changed: look again now. */
  wake(): void {
    if (this.late === null) this.releaseWatch.wake();
    else onMicrotask(this.stopWaiting);
  }

  /**
   * The waiter at the head has no time left: it depends on the request in flight, or on one that is sent now. `false`: the
   * lock has just been seen busy, and there is no such request.
   */
  askOnce(): boolean {
    if (this.asking) return true;
    if (this.listening !== null) {
      // The lock may have been free for as long as the confirmation is missing.
      this.listening = null;
      onMicrotask(this.attempt);
    } else if (this.releaseWatch.asleep) this.releaseWatch.wake();
    else return false;
    return true;
  }

  /** A try, at once: this may be the very moment in which the lock was given up. Never throws. */
  private readonly attempt = (): void => {
    const head = this.queue.head();
    if (head === null) {
      this.finish(null);
      return;
    }
    try {
      this.ask(head).then(this.onReply, this.onError);
    } catch (error) {
      this.onError(error);
    }
  };

  /**
   * While a request is in flight, the same one behind it on the same connection would be answered no sooner: the late reply
   * is waited for, for as long as a caller wants the lock.
   */
  private waitFor(late: Promise<AcquireReply>): void {
    this.late = late;
    late.then(
      (reply) => {
        if (this.late !== late) return;
        this.late = null;
        this.onReply(reply);
      },
      (error: unknown) => {
        if (this.late !== late) return;
        this.late = null;
        this.onError(error);
      },
    );
  }

  private readonly stopWaiting = (): void => {
    if (this.late === null || this.queue.head() !== null) return;
    this.late = null;
    this.finish(null);
  };

  /** It counts even if no waiter is left. */
  private readonly onReply = (reply: AcquireReply): void => {
    this.asking = false;
    this.uncertain = false;
    this.failures = 0;
    this.releaseWatch.onTried(reply.taken, this.outlook);
    if (!reply.taken) {
      this.rivals = reply.rivals;
      this.onBusy(reply);
      return;
    }
    const hold = this.holdOf(reply);
    if (hold.valid) {
      this.finish(hold);
      return;
    }
    // The grant was read so late that its lease may be over. Asking again refreshes it, or finds it gone.
    const what = 'Redis granted the lock, but the answer took longer than the lease.';
    this.onError(new LockUnavailableError(what, this.queue.name, { retryable: true, outcomeUnknown: true }));
  };

  private onBusy(reply: BusyReply): void {
    const { outlook, releaseWatch } = this;
    this.report(reply);
    if (this.queue.head() === null) this.finish(null);
    else if (outlook.listening || reply.pauseMs !== undefined) this.rest(reply, outlook);
    else {
      // The release may have come before the subscription, so the lock is tried again once it stands.
      const listening = (this.listening = releaseWatch.listen());
      const then = (next: () => void): void => {
        if (this.listening !== listening) return;
        this.listening = null;
        next();
      };
      listening.then(
        () => {
          then(() => {
            this.rest(reply, outlook);
          });
        },
        (error: unknown) => {
          then(() => {
            this.onError(error);
          });
        },
      );
    }
  }

  private rest({ pauseMs, remainingMs }: BusyReply, outlook: Outlook): void {
    if (pauseMs !== undefined) {
      const about = Math.min(pauseMs * 2 ** (this.splits - 1), MAX_SPLIT_PAUSE_MS);
      this.releaseWatch.sleepDeaf(about * (0.5 + Math.random()), this.attempt);
    } else if (outlook.listening)
      this.releaseWatch.untilTurn(outlook, Math.min(remainingMs ?? Infinity, RECHECK_MS), this.attempt);
    else this.attempt();
  }

  /** Redis could not say; anything else is a defect. */
  private readonly onError = (error: unknown): void => {
    this.asking = false;
    if (!(error instanceof LockUnavailableError)) {
      this.clear();
      this.queue.onDefect(error);
      return;
    }
    this.uncertain ||= error.outcomeUnknown;
    this.abandoned ||= error.outcomeUnknown && !(error instanceof OverdueError);
    this.queue.onTrouble(error.forLock(this.queue.name));
    if (this.queue.head() === null) {
      this.finish(null);
      return;
    }
    if (error instanceof OverdueError) {
      this.waitFor(error.reply as Promise<AcquireReply>);
      return;
    }
    this.releaseWatch.sleep(Math.min(FIRST_RETRY_MS * 2 ** this.failures, MAX_RETRY_MS), this.attempt);
    this.failures = Math.min(this.failures + 1, 10);
  };

  private finish(hold: Hold | null): void {
    if (hold !== null && this.queue.head() === null) {
      this.uncertain = true;
      hold = null;
    }
    // The release of a hold takes care of earlier tries for the same owner, too.
    if (hold !== null) this.abandoned = false;
    this.clear();
    this.queue.onAcquired(hold);
  }

  private clear(): void {
    this.releaseWatch.close();
    if (this.uncertain || this.abandoned) this.cleanUps.add(this.queue.name, this.owner, this.leaseMs);
  }

  /** Reports to the queue, and counts how often in a row contenders got in each other's way. */
  private report({ remainingMs, pauseMs }: BusyReply): void {
    if (pauseMs === undefined) {
      this.splits = 0;
      this.queue.onBusy(remainingMs);
      return;
    }
    this.queue.onSplit(this.splits === MAX_SPLITS);
    this.splits = Math.min(this.splits + 1, MAX_SPLITS);
  }

  private ask({ request }: Waiter): Promise<AcquireReply> {
    const { leaseMs, minReplicas } = request;
    this.asking = true;
    this.asked = request;
    this.leaseMs = Math.max(this.leaseMs, leaseMs);
    this.outlook = this.releaseWatch.look();
    return this.store.acquire(this.queue.name, this.owner, leaseMs, this.tokens, minReplicas, this.rivals);
  }

  private holdOf(reply: TakenReply): Hold {
    this.owner = reply.owner ?? this.owner;
    const { leaseMs, minReplicas } = this.asked as WaitRequest;
    const { owner, tokens, queue } = this;
    const { token, sentAt } = reply;
    return new Hold({ name: queue.name, owner, leaseMs, sentAt, token, tokens, minReplicas });
  }
}
