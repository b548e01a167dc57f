import { LockUnavailableError } from '../errors/index.js';
import { Hold, type HoldKeeper } from './hold.js';
import { orLate } from '../stores/overdue-error.js';
import type { Reporter } from '../telemetry/reporter.js';
import { tellIfLate, tellRenewalFailed } from '../telemetry/tell.js';
import { renewalWarning } from '../telemetry/warnings.js';
import { monotonic, wall } from '../time/clock.js';
import { Deadline, Deadlines } from '../time/deadlines.js';
import { validityOf } from '../time/validity.js';

/**
 * Holds that are due within this time are handled together, and a lease with no more than this left counts as expired,
 * in ms.
 */
const TOGETHER_MS = 4;
const MIN_RETRY_MS = 20;
const MAX_RETRY_MS = 1_000;
const SKEW_CHECK_MS = 1_000;
const SKEW_MS = 20;

/**
 * Renews the holds of one service, and marks a hold as lost when its lease ends. One timer serves all holds. Renewals
 * that are due together reach the store in the same tick, and the store sends them in as few calls as possible; each
 * hold has its own reply.
 */
export class Watchdog implements HoldKeeper {
  private readonly deadlines = new Deadlines({ keepsProcessAlive: false, togetherMs: TOGETHER_MS });
  private watched = 0;
  private readonly renewing = new Set<Hold>();
  /** Holds whose last renewal failed, so that each failing lease is logged once. */
  private readonly failing = new Set<Hold>();
  private readonly skewCheck = new SkewCheck(() => {
    this.onSkewCheck();
  });

  constructor(private readonly reporter: Reporter) {}

  /** How many of the holds failed to be renewed at the last attempt. */
  get failingCount(): number {
    return this.failing.size;
  }

  watch(hold: Hold): void {
    if (hold.keeper !== this) {
      hold.keeper = this;
      this.watched += 1;
      if (!this.skewCheck.pending) this.startSkewCheck();
    }
    this.schedule(hold);
  }

  unwatch(hold: Hold): void {
    if (hold.keeper !== this) return;
    hold.keeper = null;
    this.watched -= 1;
    this.failing.delete(hold);
    this.deadlines.remove(hold);
  }

  /** Stops watching all holds. Leases that still run expire. */
  close(): void {
    for (const hold of this.holds()) this.unwatch(hold);
    this.deadlines.clear();
  }

  private holds(): Hold[] {
    return this.deadlines.entries().filter((entry) => entry instanceof Hold);
  }

  private schedule(hold: Hold, notBefore = 0): void {
    const { sentAt, leaseMs, renewMs } = hold;
    const deadline = sentAt.mono + validityOf(leaseMs);
    // When a third of `renewMs` has passed; later or earlier if the lease was extended or shortened.
    const renewal = renewMs === undefined ? Infinity : sentAt.mono + leaseMs - (renewMs * 2) / 3;
    this.deadlines.add(hold, Math.min(deadline, Math.max(renewal, notBefore)));
  }

  onHoldDue(hold: Hold): void {
    if (hold.remaining() <= TOGETHER_MS) {
      this.lose(hold, 'expired');
      return;
    }
    if (hold.renewMs !== undefined && !this.renewing.has(hold)) void this.renew(hold, hold.renewMs);
    else this.schedule(hold, monotonic() + MIN_RETRY_MS);
  }

  /**
   * Never rejects. A failed renewal does not shorten the lease, and is retried until the lease ends. After a late
   * reply, the lease counts from when the renewal was sent.
   */
  private async renew(hold: Hold, leaseMs: number): Promise<void> {
    this.renewing.add(hold);
    // The deadline is still watched during the request.
    this.schedule(hold, Infinity);
    let retryAt = 0;
    try {
      const { changes } = hold;
      const { held, sentAt } = await orLate(hold.renew(leaseMs, false), (error) => {
        this.onRenewalFailed(hold, error);
      });
      if (hold.keeper !== this) return;
      if (held) {
        this.failing.delete(hold);
        tellIfLate(hold);
        hold.confirm(sentAt, leaseMs, changes);
      } else this.lose(hold, 'taken');
    } catch (error) {
      this.onRenewalFailed(hold, error);
      const share = error instanceof LockUnavailableError && !error.retryable ? 3 : 10;
      retryAt = monotonic() + Math.min(Math.max(leaseMs / share, MIN_RETRY_MS), MAX_RETRY_MS);
    } finally {
      this.renewing.delete(hold);
      if (hold.keeper === this) this.schedule(hold, retryAt);
    }
  }

  private onRenewalFailed(hold: Hold, error: unknown): void {
    hold.doubtful = true;
    if (hold.keeper !== this) return;
    tellRenewalFailed(hold, error);
    if (this.failing.has(hold)) return;
    this.failing.add(hold);
    this.reporter.warn('renewal', renewalWarning(hold, hold.remaining(), error));
  }

  private lose(hold: Hold, reason: 'expired' | 'taken'): void {
    this.unwatch(hold);
    hold.lose(reason);
  }

  private startSkewCheck(): void {
    this.skewCheck.offset = wallOffset();
    this.deadlines.add(this.skewCheck, monotonic() + SKEW_CHECK_MS);
  }

  /** Deadlines use the monotonic clock, which stops while the machine sleeps: leases may have expired meanwhile. */
  private onSkewCheck(): void {
    if (this.watched === 0) return;
    const jumped = wallOffset() - this.skewCheck.offset > SKEW_MS;
    this.startSkewCheck();
    if (jumped) for (const hold of this.holds()) if (hold.remaining() <= TOGETHER_MS) this.lose(hold, 'expired');
  }
}

class SkewCheck extends Deadline {
  offset = 0;

  constructor(override readonly onDue: () => void) {
    super();
  }
}

function wallOffset(): number {
  return wall() - monotonic();
}
