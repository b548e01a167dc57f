import { AsyncResource } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import { LockBusyError, LockError, LockShutdownError, type LockLostReason } from '../errors/index.js';
import { BusyRefusals } from '../holders/busy-refusals.js';
import type { HolderRegistry } from '../holders/holder-registry.js';
import type { Hold, HoldOwner } from '../holds/hold.js';
import type { ReleaseOutcome } from '../holds/release-outcome.js';
import { Watchdog } from '../holds/watchdog.js';
import type { LockHolder } from '../lock-holder.js';
import type { KindStore, LockStore } from '../stores/lock-store.js';
import { channels } from '../telemetry/channels.js';
import type { Reporter } from '../telemetry/reporter.js';
import { tellAcquired, tellLost, tellRefused, tellReleased, type RefusedRequest } from '../telemetry/tell.js';
import { leftWarning, lostWarning, slowShutdownWarning } from '../telemetry/warnings.js';
import { monotonic } from '../time/clock.js';
import { onNextTurn } from '../time/ticks.js';
import type { QueueLimits } from '../waiting/queue-context.js';
import { LocalQueues } from '../waiting/local-queues.js';
import { EXCLUSIVE, FAIR, LATCH, READ_WRITE, SEMAPHORE, type QueueRules } from '../waiting/queue-rules.js';
import type { QueueLength } from '../waiting/queue-length.js';
import type { WaitRequest } from '../waiting/waiter.js';
import { AbandonedLeases, type CallSite } from './abandoned-leases.js';
import { enclosingLease, runsUnderLease } from './current-lease.js';
import { extendCallerHold } from './extend.js';
import { Lease } from './lease.js';
import { kindOf, type Kind } from './kind.js';
import type { NestedCall } from './nested-call.js';
import { CallerHold, type CallerHoldContext } from './caller-hold.js';
import { CallerHolds } from './caller-holds.js';
import { SlowCalls } from './slow-calls.js';

/** After this time, a shutdown logs the locks that it waits for, in ms. */
const SLOW_SHUTDOWN_MS = 1_500;
/** How long a shutdown waits for sections after it has aborted their signals, in ms. */
const ABORTED_DRAIN_MS = 500;

/** The options of one acquisition. */
export interface LeaseRequest extends WaitRequest {
  readonly nested: NestedCall;
  /** Where the lease was acquired, if its caller must release it. */
  readonly site?: CallSite | undefined;
  /** After how long its lease, and its wait, is reported, in ms. */
  readonly warnAfter: { readonly held: number; readonly waited: number };
}

export interface LeaseSettings extends QueueLimits {
  /** How long a shutdown waits for running sections before their signals are aborted, in ms. */
  readonly shutdownTimeout: number;
}

/** The leases of one service: takes, extends and releases them, and ends them at a shutdown. */
export class Leases implements CallerHoldContext {
  private readonly watchdog: Watchdog;
  private readonly slowCalls: SlowCalls;
  private readonly abandoned: AbandonedLeases;
  private readonly refusals: BusyRefusals | undefined;
  /** The local queues of each kind that the store has. */
  private readonly queues: Readonly<Partial<Record<Kind | 'fair' | 'latch', LocalQueues>>> & {
    readonly lock: LocalQueues;
  };
  private owners = 0;
  private readonly callerHolds = new CallerHolds();
  /** Whether locks are granted only to code that runs under a lease. */
  private refusing = false;

  /** @param checkLength throws if a lease cannot be made to last that long, in ms */
  constructor(
    private readonly store: LockStore,
    private readonly settings: LeaseSettings,
    private readonly reporter: Reporter,
    private readonly checkLength: (ms: number) => number,
    private readonly holders?: HolderRegistry,
  ) {
    this.slowCalls = new SlowCalls(reporter);
    this.abandoned = new AbandonedLeases(reporter);
    this.watchdog = new Watchdog(reporter);
    const clientId = store.ownerId === undefined && holders !== undefined ? holders.id : randomUUID();
    this.refusals = holders === undefined ? undefined : new BusyRefusals(store, holders);
    const newOwner = (): string => `${clientId}:${String((this.owners += 1))}`;
    const queuesOf = (rules: QueueRules, kindStore: KindStore): LocalQueues =>
      new LocalQueues(rules, kindStore, this.watchdog, settings, newOwner, this.refusals);
    const { fair, readWrite, semaphores, latches } = store;
    this.queues = {
      lock: queuesOf(EXCLUSIVE, store),
      ...(fair === undefined ? {} : { fair: queuesOf(FAIR, fair) }),
      ...(readWrite === undefined ? {} : { readWrite: queuesOf(READ_WRITE, readWrite) }),
      ...(semaphores === undefined ? {} : { semaphore: queuesOf(SEMAPHORE, semaphores) }),
      ...(latches === undefined ? {} : { latch: queuesOf(LATCH, latches) }),
    };
  }

  /** How many leases callers hold. */
  get held(): number {
    return this.callerHolds.size;
  }

  /** How many callers wait. */
  get waiting(): number {
    return sumOf(this.all.map((queues) => queues.waiting));
  }

  /** How many abandoned requests are being cleaned up in the background. */
  get unsettled(): number {
    return sumOf(this.all.map((queues) => queues.unsettled)) + (this.store.unsettled ?? 0);
  }

  /** How many locks callers wait for without notifications. */
  get unnotified(): number {
    return sumOf(this.all.map((queues) => queues.unnotified));
  }

  /** How many held locks could not be renewed at the last attempt. */
  get failingRenewals(): number {
    return this.watchdog.failingCount;
  }

  /** The locks that callers wait for, with the number of waiters. */
  waitLines(): QueueLength[] {
    return this.all.flatMap((queues) => queues.lengths());
  }

  /** How many callers wait for permits of a semaphore. */
  waitingForPermits(name: string): number {
    return this.queues.semaphore?.waitingFor(name) ?? 0;
  }

  /** @throws LockBusyError, LockAbortedError, LockUnavailableError, LockShutdownError */
  take(name: string, request: LeaseRequest): Promise<Lease> {
    try {
      const joined = this.joinEnclosing(name, request);
      if (joined !== null) {
        if (request.site !== undefined) joined.watchWith(this.abandoned, request.site);
        return Promise.resolve(joined);
      }
    } catch (error) {
      if (error instanceof LockError) tellRefused(name, request, error, 0);
      throw error;
    }
    const origin = new AsyncResource('nestjs-redis-lock:lease');
    const claim = (hold: Hold, since: number): Lease => this.begin(hold, request, since, origin);
    // The options were checked: the store has the kind.
    const queues = this.queues[request.mode === 'fair' ? 'fair' : kindOf(request)] as LocalQueues;
    const served = queues.join(name, request, claim, runsUnderLease());
    if (request.warnAfter.waited < request.wait) this.watchWait(name, request, origin, queues, served);
    return channels.refused.hasSubscribers ? tellingRefusal(name, request, served) : served;
  }

  private watchWait(
    name: string,
    { warnAfter, label, mode, permits }: LeaseRequest,
    origin: AsyncResource,
    queues: LocalQueues,
    served: Promise<unknown>,
  ): void {
    const waiting = (): number => queues.waitingFor(name);
    const holder = async (): Promise<LockHolder | undefined> =>
      permits === undefined ? this.refusals?.holderOf(name) : undefined;
    this.slowCalls.watchWait({ name, label, mode, permits, origin, waiting, holder }, warnAfter.waited, served);
  }

  /**
   * Resolves when a latch is open.
   *
   * @throws LockBusyError, LockAbortedError, LockUnavailableError, LockShutdownError
   */
  async passLatch(name: string, request: WaitRequest): Promise<void> {
    const isRefused = this.refusing && !runsUnderLease();
    // The store was checked: it has latches.
    const latch = this.queues.latch as LocalQueues;
    await tellingRefusal(
      name,
      { label: request.label, mode: 'latch' },
      isRefused
        ? Promise.reject(new LockShutdownError(name))
        : latch.join(name, request, () => undefined, runsUnderLease()),
    );
  }

  /** Grants no new locks from now on, except to code that runs under a lease. */
  refuse(): void {
    this.refusing = true;
    for (const queues of this.all) queues.refuseOutsiders();
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
    for (const queues of this.all) queues.refuseAll();
    this.callerHolds.shutDown();
    await this.callerHolds.drain(ABORTED_DRAIN_MS);
    const left = this.callerHolds.names();
    if (left.length > 0) this.reporter.warn('shutdown', leftWarning(left));
    this.watchdog.close();
    this.slowCalls.close();
    this.abandoned.close();
    await Promise.all(this.all.map((queues) => queues.close()));
  }

  release(callerHold: CallerHold): Promise<ReleaseOutcome> {
    const { hold } = callerHold;
    // Set when the hold was granted.
    return (hold.queue as HoldOwner).release(hold, callerHold.keepMs(), callerHold);
  }

  onReleased(callerHold: CallerHold, outcome: ReleaseOutcome): void {
    this.callerHolds.end(callerHold);
    this.slowCalls.endHeld(callerHold);
    if (outcome === 'lost' && !callerHold.ended) {
      this.reporter.warn('lost', lostWarning(callerHold.hold, 'taken', callerHold.label));
      callerHold.inContext(() => tellLost(callerHold, 'taken'));
    }
    // The caller may release it in the context of another one.
    if (channels.released.hasSubscribers) callerHold.inContext(() => tellReleased(callerHold, outcome));
  }

  onLost(callerHold: CallerHold, reason: LockLostReason): void {
    this.callerHolds.lose(callerHold);
    this.slowCalls.endHeld(callerHold);
    this.reporter.warn('lost', lostWarning(callerHold.hold, reason, callerHold.label));
  }

  extend(callerHold: CallerHold, ms: number, fix: boolean): Promise<void> {
    const leaseMs = Math.max(this.checkLength(ms), Math.ceil(callerHold.keepMs()));
    return extendCallerHold(callerHold, leaseMs, fix, this.watchdog);
  }

  private get all(): LocalQueues[] {
    return Object.values(this.queues);
  }

  /** Joins the lease of this name that the caller runs under; `null` if the lock must be acquired. */
  private joinEnclosing(name: string, request: LeaseRequest): Lease | null {
    if (request.signal?.aborted === true) return null;
    const outer = request.nested === 'wait' ? undefined : enclosingLease(this, name, kindOf(request));
    const joined = outer?.join();
    if (joined !== undefined && joined !== null) {
      const obstacle = request.nested === 'join' ? joined.obstacleTo(request) : undefined;
      if (request.nested === 'join' && obstacle === undefined) return joined;
      void joined.release();
      if (obstacle !== undefined) throw obstacle;
      throw new LockBusyError(name, { reason: 'nested', waitedMs: 0, remainingMs: undefined });
    }
    // The shutdown waits for running sections, and they may need further locks to finish.
    if (this.refusing && !runsUnderLease()) throw new LockShutdownError(name);
    return null;
  }

  private begin(hold: Hold, request: LeaseRequest, asked: number, origin: AsyncResource): Lease {
    const callerHold = new CallerHold(hold, request, this, origin);
    if (!callerHold.ended) {
      this.callerHolds.begin(callerHold);
      if (request.warnAfter.held !== Infinity) this.slowCalls.watchHeld(callerHold, request.warnAfter.held);
    }
    if (channels.acquired.hasSubscribers)
      callerHold.inContext(() => tellAcquired(callerHold, callerHold.since - asked));
    const lease = Lease.of(callerHold);
    if (request.site !== undefined) lease.watchWith(this.abandoned, request.site);
    return lease;
  }
}

/** Returns `served`, and reports a refusal on the channel in the caller's async context. */
async function tellingRefusal<T>(name: string, request: RefusedRequest, served: Promise<T>): Promise<T> {
  const asked = monotonic();
  try {
    return await served;
  } catch (error) {
    if (error instanceof LockError) tellRefused(name, request, error, monotonic() - asked);
    throw error;
  }
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, each) => sum + each, 0);
}
