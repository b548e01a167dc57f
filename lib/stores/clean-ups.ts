import { inServiceContext } from '../context/service-context.js';
import { LockUnavailableError } from '../errors/index.js';
import { monotonic } from '../time/clock.js';
import { Timer } from '../time/timer.js';
import type { KindStore } from './lock-store.js';
import { OverdueError } from './overdue-error.js';

const FIRST_PAUSE_MS = 50;
const MAX_PAUSE_MS = 1_000;

interface CleanUp {
  readonly name: string;
  readonly owner: string;
  /** The lock must stay taken until this time, on the monotonic clock. */
  readonly keepUntil: number;
  /** Until this time, on the monotonic clock, the release is repeated even if it succeeds; 0: it is not repeated. */
  repeatUntil: number;
  /**
   * When the lease has ended, on the monotonic clock: after this, a release that the server refuses for good is not
   * retried (nor any other, with `untilLeaseEnds`).
   */
  until: number;
  inDoubt: boolean;
  /** How many times the clean-up was requested: each request needs a release that is sent after it. */
  asked: number;
}

export interface CleanUpOptions {
  /** If above 0, the lock is not freed, but expires after this time, in ms. */
  readonly keepMs?: number;
  /** A release that is already in flight. */
  readonly underWay?: Promise<unknown> | undefined;
  /** The release is repeated until this time, on the monotonic clock, since an acquire may still arrive. */
  readonly repeatUntil?: number;
  /**
   * Whether the server may execute an acquire at any later time: then only a release with a reply ends the clean-up.
   */
  readonly inDoubt?: boolean;
}

/**
 * Cleans up after requests with an unknown outcome: such a request may have taken a lock that no caller needs any more.
 * The release of its owner is retried in the background until Redis replies. While a release is in flight, its late
 * reply counts and no other release is sent. An owner has only one clean-up, even if several are requested.
 */
export class CleanUps {
  /** Functions that end the current pause, or the wait for a late reply. */
  private readonly wakers = new Map<CleanUp, () => void>();
  private readonly cleanUps = new Map<string, CleanUp>();
  private readonly works = new Set<Promise<void>>();
  private closing = false;

  /** @param untilLeaseEnds whether retries stop when the lease has ended, even if the store may come back */
  constructor(
    private readonly store: Pick<KindStore, 'release'>,
    private readonly untilLeaseEnds = false,
  ) {}

  get size(): number {
    return this.cleanUps.size;
  }

  add(name: string, owner: string, leaseMs: number, options: CleanUpOptions = {}): void {
    const { keepMs = 0, underWay, repeatUntil = 0, inDoubt = false } = options;
    const since = monotonic();
    const until = since + leaseMs + MAX_PAUSE_MS;
    const known = this.cleanUps.get(owner);
    if (known !== undefined) {
      known.repeatUntil = Math.max(known.repeatUntil, repeatUntil);
      known.until = Math.max(known.until, until);
      known.inDoubt ||= inDoubt;
      known.asked += 1;
      return;
    }
    const cleanUp = { name, owner, keepUntil: since + keepMs, repeatUntil, until, inDoubt, asked: 1 };
    this.cleanUps.set(owner, cleanUp);
    inServiceContext(() => {
      this.begin(cleanUp, underWay);
    });
  }

  /** Tries each release once more, now, and drops those that fail. */
  async close(): Promise<void> {
    this.closing = true;
    for (const wake of [...this.wakers.values()]) wake();
    await Promise.all(this.works);
  }

  private begin(cleanUp: CleanUp, underWay: Promise<unknown> | undefined): void {
    const done = this.work(cleanUp, underWay).finally(() => {
      this.works.delete(done);
    });
    this.works.add(done);
  }

  private async work(cleanUp: CleanUp, underWay: Promise<unknown> | undefined): Promise<void> {
    let release = underWay;
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, MAX_PAUSE_MS)) {
      const lastTry = this.closing && release === undefined;
      const { asked } = cleanUp;
      try {
        await this.confirmed(cleanUp, release ?? this.release(cleanUp));
        if (lastTry || (asked === cleanUp.asked && monotonic() >= cleanUp.repeatUntil)) break;
      } catch (error) {
        // A client may have queued the lost request and send it after a reconnection, so the clean-up goes on until a
        // release succeeds.
        const refused = error instanceof LockUnavailableError && !error.retryable;
        const hopeless = refused || (this.untilLeaseEnds && !cleanUp.inDoubt);
        const final = hopeless && monotonic() >= cleanUp.until;
        if (lastTry || final) break;
      }
      release = undefined;
      await this.pause(cleanUp, pause);
    }
    // In the same tick, so that a later request starts a new clean-up.
    this.cleanUps.delete(cleanUp.owner);
  }

  private release({ name, owner, keepUntil }: CleanUp): Promise<unknown> {
    // Usually sent on the same connection as the lost request, and so executed after it; for other cases see
    // `AbandonedAcquires`.
    return this.store.release(name, owner, Math.max(0, Math.ceil(keepUntil - monotonic())));
  }

  private async confirmed(cleanUp: CleanUp, release: Promise<unknown>): Promise<void> {
    try {
      await release;
    } catch (error) {
      if (!(error instanceof OverdueError) || this.closing) throw error;
      await this.late(cleanUp, error);
    }
  }

  private late(cleanUp: CleanUp, error: OverdueError): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.wakers.set(cleanUp, () => {
        this.wakers.delete(cleanUp);
        reject(error);
      });
      error.reply
        .finally(() => {
          this.wakers.delete(cleanUp);
        })
        .then(resolve, reject);
    });
  }

  private pause(cleanUp: CleanUp, ms: number): Promise<void> {
    if (this.closing) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        timer.stop();
        this.wakers.delete(cleanUp);
        resolve();
      };
      const timer = new Timer(wake, false).start(ms);
      this.wakers.set(cleanUp, wake);
    });
  }
}
