import { LockUnavailableError } from '../errors/index.js';
import { Hold } from '../stores/hold.js';
import type { AcquireReply, LockStore, NoticeSubscription } from '../stores/lock-store.js';
import type { Settler } from '../stores/settler.js';
import type { Waiter, WaitRequest } from './waiter.js';

/** Time for other processes to take what this one has just given up, in ms. */
const STEP_BACK_MS = 5;
const FIRST_RETRY_MS = 20;
const MAX_RETRY_MS = 500;
/** Pauses between contenders that get in each other's way double this often at most. */
const MAX_SPLITS = 6;
/** A holder without a lease (somebody else's key) is looked at again after this long, in ms. */
const LEASELESS_RECHECK_MS = 10_000;

type BusyReply = AcquireReply & { readonly taken: false };
type TakenReply = AcquireReply & { readonly taken: true };

/** The line a pursuit works for. */
export interface PursuingLine {
  readonly name: string;
  /** The waiter to pursue the lock for; `null` when nobody waits any more. */
  head(): Waiter | null;
  /** The lock was seen held. */
  onBusy(remainingMs: number | undefined): void;
  /** Nobody has the lock, but contenders got in each other's way; `last`: for too long now. */
  onSplit(last: boolean): void;
  /** Redis could not say. */
  onTrouble(error: LockUnavailableError): void;
  /** The pursuit is over: with the lock, or with `null` since nobody waits any more. */
  onPursued(hold: Hold | null): void;
  /** The pursuit ends with something that must not happen. */
  onDefect(error: unknown): void;
}

/**
 * Gets one lock for the head of one line: try, subscribe, try again, then sleep until a notice, the holder's expiry or
 * the next reason to look. There is no polling: while a healthy holder keeps the lock, a pursuit sends one request for
 * each lease it sees.
 */
export class Pursuit {
  private subscription: NoticeSubscription | null = null;
  /** Counts notices, so that one that comes while a try is under way is not lost. */
  private notices = 0;
  private wakeUp: (() => void) | null = null;
  /** Whether an earlier try may have taken the lock without our knowing. */
  private uncertain = false;
  private leaseMs = 0;
  /** What the last request was made for, how many notices there were when it was sent, and whether they could arrive. */
  private asked: WaitRequest | null = null;
  private seen = 0;
  private listening = false;
  /** Whether notices are only counted now. */
  private deaf = false;

  constructor(
    private readonly line: PursuingLine,
    private readonly store: LockStore,
    private readonly settler: Settler,
    private owner: string,
    private readonly tokens: number,
  ) {}

  /** Never throws; tells the line how it ends. */
  start(stepBack: boolean): void {
    const head = this.line.head();
    if (stepBack || head === null) {
      void this.goOn(null, stepBack);
      return;
    }
    // Most locks are free: they are to cost no more than the request.
    this.ask(head).then(
      (reply) => {
        const hold = reply.taken ? this.holdOf(reply) : null;
        if (hold !== null && hold.remaining() > 0) this.finish(hold);
        else void this.goOn(() => reply, false);
      },
      (error: unknown) => {
        void this.goOn(() => {
          throw error;
        }, false);
      },
    );
  }

  /** Never rejects. */
  private async goOn(first: (() => AcquireReply) | null, stepBack: boolean): Promise<void> {
    try {
      if (stepBack) await this.stepBack();
      this.finish(await this.pursue(first));
    } catch (error) {
      this.clear();
      this.line.onDefect(error);
    }
  }

  private finish(hold: Hold | null): void {
    if (hold !== null && this.line.head() === null) {
      this.uncertain = true;
      hold = null;
    }
    this.clear();
    this.line.onPursued(hold);
  }

  private clear(): void {
    this.subscription?.close();
    if (this.uncertain) this.settler.settle(this.line.name, this.owner, this.leaseMs);
  }

  /** Something changed: look again now. */
  wake(): void {
    this.wakeUp?.();
  }

  /**
   * Resolves with the lock, or with `null` when nobody waits for it any more. Never rejects with a Redis failure.
   *
   * @param first what the first request came to, if one was sent already: it counts though nobody may wait any more
   */
  private async pursue(first: (() => AcquireReply) | null): Promise<Hold | null> {
    let failures = 0;
    let splits = 0;
    let answer = first;
    for (let head = this.line.head(); head !== null || answer !== null; head = this.line.head()) {
      try {
        const reply = answer === null ? await this.ask(head as Waiter) : answer();
        answer = null;
        this.uncertain = false;
        failures = 0;
        if (reply.taken) return this.inTime(reply);
        const { listening, seen } = this;
        splits = this.report(reply, splits);
        if (this.line.head() === null) return null;
        // The release may have come before the subscription, so the lock is tried again once it stands.
        if (!listening) await this.listen();
        if (reply.pauseMs !== undefined) await this.sleepDeaf(reply.pauseMs * 2 ** (splits - 1));
        else if (listening && this.notices === seen) await this.sleep(reply.remainingMs ?? LEASELESS_RECHECK_MS);
      } catch (error) {
        answer = null;
        if (!(error instanceof LockUnavailableError)) throw error;
        this.uncertain ||= error.outcomeUnknown;
        this.line.onTrouble(error.forLock(this.line.name));
        if (this.line.head() === null) return null;
        await this.sleep(Math.min(FIRST_RETRY_MS * 2 ** failures, MAX_RETRY_MS));
        failures = Math.min(failures + 1, 10);
      }
    }
    return null;
  }

  /** Tells the line, and counts how often in a row contenders got in each other's way. */
  private report({ remainingMs, pauseMs }: BusyReply, splits: number): number {
    if (pauseMs === undefined) {
      this.line.onBusy(remainingMs);
      return 0;
    }
    this.line.onSplit(splits === MAX_SPLITS);
    return Math.min(splits + 1, MAX_SPLITS);
  }

  private ask({ request }: Waiter): Promise<AcquireReply> {
    const { leaseMs, minReplicas } = request;
    this.asked = request;
    this.leaseMs = Math.max(this.leaseMs, leaseMs);
    this.seen = this.notices;
    this.listening = this.subscription?.active ?? false;
    return this.store.acquire(this.line.name, this.owner, leaseMs, this.tokens, minReplicas);
  }

  private holdOf(reply: TakenReply): Hold {
    this.owner = reply.owner ?? this.owner;
    const { leaseMs, minReplicas } = this.asked as WaitRequest;
    const { owner, tokens, line } = this;
    const { token, sentAt } = reply;
    return new Hold({ name: line.name, owner, leaseMs, sentAt, token, tokens, minReplicas });
  }

  private inTime(reply: TakenReply): Hold {
    const hold = this.holdOf(reply);
    if (hold.remaining() > 0) return hold;
    // The grant was read so late that its lease may be over. Asking again refreshes it, or finds it gone.
    const what = 'Redis granted the lock, but the answer took longer than the lease.';
    throw new LockUnavailableError(what, this.line.name, { retryable: true, outcomeUnknown: true });
  }

  /** Sees to it that notices arrive. */
  private async listen(): Promise<void> {
    this.subscription ??= this.store.subscribe(this.line.name, this.onNotice);
    if (!this.subscription.active) await this.subscription.activate();
  }

  /** Lets those go first who heard of the release just made, and gets ready to hear of theirs. */
  private async stepBack(): Promise<void> {
    // Should it fail, it is tried again, and reported, after the lock was seen busy.
    this.listen().catch(() => undefined);
    await this.sleepDeaf(STEP_BACK_MS);
  }

  private readonly onNotice = (): void => {
    this.notices += 1;
    // The first notice may be the one of our own release.
    if (!this.deaf) this.wakeUp?.();
  };

  /** Sleeps whatever notices come. */
  private async sleepDeaf(ms: number): Promise<void> {
    this.deaf = true;
    await this.sleep(ms);
    this.deaf = false;
  }

  private sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.wakeUp = null;
        resolve();
      };
      // Redis counts the holder's lease in whole milliseconds; a look a moment too early would only be one too many.
      const timer = setTimeout(wake, Math.min(ms + 1, 2 ** 31 - 1));
      this.wakeUp = wake;
    });
  }
}
