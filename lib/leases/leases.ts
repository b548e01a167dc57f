import { AsyncResource } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import { LockBusyError, LockError, LockShutdownError, type LockLostReason } from '../errors/index.js';
import type { Hold } from '../holds/hold.js';
import type { ReleaseOutcome } from '../holds/release-outcome.js';
import { Watchdog } from '../holds/watchdog.js';
import type { LockStore } from '../stores/lock-store.js';
import { channels } from '../telemetry/channels.js';
import type { Reporter } from '../telemetry/reporter.js';
import { tellAcquired, tellRefused, tellReleased } from '../telemetry/tell.js';
import { leftWarning, lostWarning, slowShutdownWarning } from '../telemetry/warnings.js';
import { monotonic } from '../time/clock.js';
import { onNextTurn } from '../time/ticks.js';
import type { QueueLimits } from '../waiting/queue-context.js';
import { LocalQueues } from '../waiting/local-queues.js';
import type { QueueLength } from '../waiting/queue-length.js';
import type { WaitRequest } from '../waiting/waiter.js';
import { enclosingLease, runsUnderLease } from './current-lease.js';
import { extendCallerHold } from './extend.js';
import { Lease } from './lease.js';
import type { NestedCall } from './nested-call.js';
import { CallerHold, type CallerHoldContext } from './caller-hold.js';
import { CallerHolds } from './caller-holds.js';

/** After this time, a shutdown logs the locks that it waits for, in ms. */
const SLOW_SHUTDOWN_MS = 1_500;
/** How long a shutdown waits for sections after it has aborted their signals, in ms. */
const ABORTED_DRAIN_MS = 500;

/** The options of one acquisition. */
export interface LeaseRequest extends WaitRequest {
  readonly nested: NestedCall;
}

export interface LeaseSettings extends QueueLimits {
  /** How long a shutdown waits for running sections before their signals are aborted, in ms. */
  readonly shutdownTimeout: number;
}

/** The leases of one service: takes, extends and releases them, and ends them at a shutdown. */
export class Leases implements CallerHoldContext {
  private readonly watchdog: Watchdog;
  private readonly queues: LocalQueues;
  private readonly callerHolds = new CallerHolds();
  /** Whether locks are granted only to code that runs under a lease. */
  private refusing = false;

  /** @param checkLength throws if a lease cannot be made to last that long, in ms */
  constructor(
    private readonly store: LockStore,
    private readonly settings: LeaseSettings,
    private readonly reporter: Reporter,
    private readonly checkLength: (ms: number) => number,
  ) {
    this.watchdog = new Watchdog(store, reporter);
    this.queues = new LocalQueues(store, this.watchdog, settings, randomUUID());
  }

  /** How many leases callers hold. */
  get held(): number {
    return this.callerHolds.size;
  }

  /** How many callers wait. */
  get waiting(): number {
    return this.queues.waiting;
  }

  /** How many abandoned requests are being cleaned up in the background. */
  get unsettled(): number {
    return this.queues.unsettled + (this.store.unsettled ?? 0);
  }

  /** The locks that callers wait for, with the number of waiters. */
  waitLines(): QueueLength[] {
    return this.queues.lengths();
  }

  /** @throws LockBusyError, LockAbortedError, LockUnavailableError, LockShutdownError */
  take(name: string, request: LeaseRequest): Promise<Lease> {
    try {
      const joined = this.joinEnclosing(name, request);
      if (joined !== null) return Promise.resolve(joined);
    } catch (error) {
      if (error instanceof LockError) tellRefused(name, error, 0);
      throw error;
    }
    const origin = new AsyncResource('nestjs-redis-lock:lease');
    const claim = (hold: Hold, since: number): Lease => this.begin(hold, request, since, origin);
    const served = this.queues.join(name, request, claim, runsUnderLease());
    return channels.refused.hasSubscribers ? tellingRefusal(name, served) : served;
  }

  /** Grants no new locks from now on, except to code that runs under a lease. */
  refuse(): void {
    this.refusing = true;
    this.queues.refuseOutsiders();
  }

  /**
   * Waits for the leases, then aborts the signals of those that remain and waits a moment longer for them. Locks of
   * sections that still run are not released: their leases end by themselves.
   */
  async close(): Promise<void> {
    // Callers that were granted a lock a moment ago are resumed first, so that they are waited for.
    await new Promise<void>(onNextTurn);
    const { shutdownTimeout } = this.settings;
    await this.callerHolds.drain(shutdownTimeout, SLOW_SHUTDOWN_MS, () => {
      const warning = slowShutdownWarning(this.callerHolds.names(), shutdownTimeout - SLOW_SHUTDOWN_MS);
      this.reporter.warn('shutdown', warning);
    });
    this.queues.refuseAll();
    this.callerHolds.shutDown();
    await this.callerHolds.drain(ABORTED_DRAIN_MS);
    const left = this.callerHolds.names();
    if (left.length > 0) this.reporter.warn('shutdown', leftWarning(left));
    this.watchdog.close();
    await this.queues.close();
  }

  release(callerHold: CallerHold): Promise<ReleaseOutcome> {
    return this.queues.release(callerHold.hold, callerHold.keepMs());
  }

  onReleased(callerHold: CallerHold, outcome: ReleaseOutcome): void {
    this.callerHolds.end(callerHold);
    if (outcome === 'lost' && !callerHold.ended) this.reporter.warn('lost', lostWarning(callerHold.hold, 'taken'));
    tellReleased(callerHold, outcome);
  }

  onLost(callerHold: CallerHold, reason: LockLostReason): void {
    this.callerHolds.lose(callerHold);
    this.reporter.warn('lost', lostWarning(callerHold.hold, reason));
  }

  extend(callerHold: CallerHold, ms: number, fix: boolean): Promise<void> {
    const leaseMs = Math.max(this.checkLength(ms), Math.ceil(callerHold.keepMs()));
    return extendCallerHold(callerHold, leaseMs, fix, this.store, this.watchdog);
  }

  /** Joins the lease of this name that the caller runs under; `null` if the lock must be acquired. */
  private joinEnclosing(name: string, request: LeaseRequest): Lease | null {
    if (request.signal?.aborted === true) return null;
    const joined = request.nested === 'wait' ? null : enclosingLease(this, name)?.join();
    if (joined !== undefined && joined !== null) {
      if (request.nested === 'join') return joined;
      void joined.release();
      throw new LockBusyError(name, { reason: 'nested', waitedMs: 0, remainingMs: undefined });
    }
    // The shutdown waits for running sections, and they may need further locks to finish.
    if (this.refusing && !runsUnderLease()) throw new LockShutdownError(name);
    return null;
  }

  private begin(hold: Hold, request: LeaseRequest, asked: number, origin: AsyncResource): Lease {
    const callerHold = new CallerHold(hold, request.holdAtLeast, this, origin);
    if (!callerHold.ended) this.callerHolds.begin(callerHold);
    if (channels.acquired.hasSubscribers) callerHold.inContext(() => tellAcquired(hold, callerHold.since - asked));
    return Lease.of(callerHold);
  }
}

/** Returns `served`, and reports a refusal on the channel in the caller's async context. */
async function tellingRefusal(name: string, served: Promise<Lease>): Promise<Lease> {
  const asked = monotonic();
  try {
    return await served;
  } catch (error) {
    if (error instanceof LockError) tellRefused(name, error, monotonic() - asked);
    throw error;
  }
}
