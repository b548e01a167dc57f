import { LockUnavailableError } from '../errors/index.js';
import { Hold } from '../stores/hold.js';
import type { AcquireReply, LockStore, NoticeSubscription } from '../stores/lock-store.js';
import type { Settler } from '../stores/settler.js';
import type { Waiter } from './waiter.js';

/** Time for other processes to take what this one has just given up, in ms. */
const STEP_BACK_MS = 5;
const FIRST_RETRY_MS = 20;
const MAX_RETRY_MS = 500;
/** Pauses between contenders that get in each other's way double this often at most. */
const MAX_SPLITS = 6;
/** A holder without a lease (somebody else's key) is looked at again after this long, in ms. */
const LEASELESS_RECHECK_MS = 10_000;

type BusyReply = AcquireReply & { readonly taken: false };

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
  /** Whether notices are only counted now. */
  private deaf = false;

  constructor(
    private readonly line: PursuingLine,
    private readonly store: LockStore,
    private readonly settler: Settler,
    private owner: string,
    private readonly tokens: number,
  ) {}

  /** Resolves with the lock, or with `null` when nobody waits for it any more. Never rejects with a Redis failure. */
  async run(stepBack: boolean): Promise<Hold | null> {
    try {
      if (stepBack) await this.stepBack();
      return await this.pursue();
    } finally {
      this.subscription?.close();
      if (this.uncertain) this.settler.settle(this.line.name, this.owner, this.leaseMs);
    }
  }

  /** Something changed: look again now. */
  wake(): void {
    this.wakeUp?.();
  }

  private async pursue(): Promise<Hold | null> {
    let failures = 0;
    let splits = 0;
    for (let head = this.line.head(); head !== null; head = this.line.head()) {
      const seen = this.notices;
      const listening = this.subscription?.active ?? false;
      try {
        const hold = await this.attempt(head);
        failures = 0;
        if (hold instanceof Hold) {
          if (this.line.head() !== null) return hold;
          this.uncertain = true;
          return null;
        }
        splits = this.report(hold, splits);
        if (this.line.head() === null) return null;
        // The release may have come before the subscription, so the lock is tried again once it stands.
        if (!listening) await this.listen();
        if (hold.pauseMs !== undefined) await this.sleepDeaf(hold.pauseMs * 2 ** (splits - 1));
        else if (listening && this.notices === seen) await this.sleep(hold.remainingMs ?? LEASELESS_RECHECK_MS);
      } catch (error) {
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

  private async attempt({ request }: Waiter): Promise<Hold | BusyReply> {
    const { name } = this.line;
    const { leaseMs, minReplicas } = request;
    this.leaseMs = Math.max(this.leaseMs, leaseMs);
    const reply = await this.store.acquire(name, this.owner, leaseMs, this.tokens, minReplicas);
    this.uncertain = false;
    if (!reply.taken) return reply;
    const { token, sentAt } = reply;
    this.owner = reply.owner ?? this.owner;
    const hold = new Hold({ name, owner: this.owner, leaseMs, sentAt, token, tokens: this.tokens, minReplicas });
    if (hold.remaining() > 0) return hold;
    // The grant was read so late that its lease may be over. Asking again refreshes it, or finds it gone.
    throw new LockUnavailableError(`Redis granted the lock, but the answer took longer than the lease.`, name, {
      retryable: true,
      outcomeUnknown: true,
    });
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
