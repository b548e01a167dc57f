import { LockUnavailableError } from '../errors/index.js';
import { Hold } from '../stores/hold.js';
import type { AcquireReply, LockStore } from '../stores/lock-store.js';
import type { Settler } from '../stores/settler.js';
import type { Turn } from './turn.js';
import { Vigil, type Outlook } from './vigil.js';
import type { Waiter, WaitRequest } from './waiter.js';

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
  private readonly vigil: Vigil;
  /** Whether an earlier try may have taken the lock without our knowing. */
  private uncertain = false;
  private leaseMs = 0;
  /** What the last request was made for, and how things stood then. */
  private asked: WaitRequest | null = null;
  private outlook!: Outlook;

  /** @param turn who is to go first, if this process has just had the lock */
  constructor(
    private readonly line: PursuingLine,
    private readonly store: LockStore,
    private readonly settler: Settler,
    private owner: string,
    private readonly tokens: number,
    turn: Turn | null,
  ) {
    this.vigil = new Vigil(line.name, store, turn);
  }

  /** Never throws; tells the line how it ends. */
  start(): void {
    const head = this.line.head();
    const stepBackMs = this.vigil.stepBackMs();
    if (stepBackMs > 0 || head === null) {
      void this.goOn(null, stepBackMs);
      return;
    }
    // Most locks are free: they are to cost no more than the request.
    this.ask(head).then(
      (reply) => {
        const hold = reply.taken ? this.holdOf(reply) : null;
        if (hold === null || hold.remaining() <= 0) {
          void this.goOn(() => reply, 0);
          return;
        }
        this.vigil.onTried(true, this.outlook);
        this.finish(hold);
      },
      (error: unknown) => {
        void this.goOn(() => {
          throw error;
        }, 0);
      },
    );
  }

  /** Never rejects. */
  private async goOn(first: (() => AcquireReply) | null, stepBackMs: number): Promise<void> {
    try {
      if (stepBackMs > 0) await this.vigil.stepBack(stepBackMs);
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
    this.vigil.close();
    if (this.uncertain) this.settler.settle(this.line.name, this.owner, this.leaseMs);
  }

  /** Something changed: look again now. */
  wake(): void {
    this.vigil.wake();
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
        const { outlook, vigil } = this;
        vigil.onTried(reply.taken, outlook);
        if (reply.taken) return this.inTime(reply);
        splits = this.report(reply, splits);
        if (this.line.head() === null) return null;
        // The release may have come before the subscription, so the lock is tried again once it stands.
        if (!outlook.listening) await vigil.listen();
        if (reply.pauseMs !== undefined) await vigil.sleepDeaf(reply.pauseMs * 2 ** (splits - 1));
        else if (outlook.listening) await vigil.untilTurn(outlook, reply.remainingMs ?? LEASELESS_RECHECK_MS);
      } catch (error) {
        answer = null;
        if (!(error instanceof LockUnavailableError)) throw error;
        this.uncertain ||= error.outcomeUnknown;
        this.line.onTrouble(error.forLock(this.line.name));
        if (this.line.head() === null) return null;
        await this.vigil.sleep(Math.min(FIRST_RETRY_MS * 2 ** failures, MAX_RETRY_MS));
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
    this.outlook = this.vigil.look();
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
}
