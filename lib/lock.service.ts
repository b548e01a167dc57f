import { AsyncResource } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import { inspect, type InspectOptions } from 'node:util';
import {
  LockBusyError,
  LockError,
  LockLostError,
  LockShutdownError,
  LockUnavailableError,
  type LockLostReason,
} from './errors/index.js';
import { enclosingLease, runsUnderLease, Section } from './leases/current-lease.js';
import { extendTenure } from './leases/extend.js';
import { Lease } from './leases/lease.js';
import { MultiLease } from './leases/multi-lease.js';
import { Tenure } from './leases/tenure.js';
import { Tenures } from './leases/tenures.js';
import { Watchdog } from './holds/watchdog.js';
import { AcquireResolver, type AcquireOptions, type ResolvedAcquire } from './options/acquire-options.js';
import { checkLease } from './options/checks.js';
import type { ResolvedSettings } from './options/service-options.js';
import { checkLockName, checkLockNames } from './naming/lock-name.js';
import type { Hold, ReleaseOutcome } from './holds/hold.js';
import type { LockState, LockStore, StoreNode } from './stores/lock-store.js';
import { channels } from './telemetry/channels.js';
import { Reporter } from './telemetry/reporter.js';
import { tellAcquired, tellRefused, tellReleased } from './telemetry/tell.js';
import { leftWarning, lostWarning, slowShutdownWarning } from './telemetry/warnings.js';
import { monotonic } from './time/clock.js';
import { onNextTurn } from './time/ticks.js';
import { WaitLines, type WaitLineLength } from './waiting/wait-lines.js';

/** A shutdown that takes longer names the locks that it waits for. */
const SLOW_SHUTDOWN_MS = 1_500;

/** Without this Node would watch for the end of each. */
const RESOURCE_OPTIONS = { requireManualDestroy: true };

/** How long a shutdown waits for sections after it has aborted their signals, in ms. */
const ABORTED_DRAIN_MS = 500;

/** What a service has in hand now. */
export interface LockStats {
  /** Leases held by callers of this service. */
  readonly held: number;
  /** Callers that wait. */
  readonly waiting: number;
  /** Requests that nobody waits for any more, and that are undone in the background. */
  readonly unsettled: number;
  /** The state of each server, where locks are kept on several. */
  readonly nodes?: readonly StoreNode[];
}

/**
 * Distributed locks. In NestJS it is injected; elsewhere `createLockService` makes one.
 *
 * @publicApi
 */
export class LockService {
  private readonly watchdog: Watchdog;
  private readonly lines: WaitLines;
  private readonly options: AcquireResolver;
  private readonly tenures = new Tenures();
  private refusing = false;
  private closed: Promise<void> | null = null;
  private readonly closer = new AbortController();

  /** @internal Use `createLockService` or inject it. */
  constructor(
    private readonly store: LockStore,
    private readonly settings: ResolvedSettings,
    private readonly reporter = new Reporter(settings.logger),
  ) {
    this.options = new AcquireResolver(settings, store.maxLeaseMs);
    this.watchdog = new Watchdog(store, settings.leaseMs, reporter);
    this.lines = new WaitLines(store, this.watchdog, settings, randomUUID());
  }

  /**
   * Runs `section` under a lock, or under several: all or none, in an order that cannot deadlock.
   *
   * The result or the error of `section` is passed on as it is. If the lock is lost meanwhile, the lease's `signal`
   * aborts; what the section then does is its own decision.
   *
   * @throws LockBusyError, LockAbortedError, LockUnavailableError, LockShutdownError if the lock was not got:
   *   `section` has not run then
   */
  withLock<T>(name: string, section: (lease: Lease) => T | PromiseLike<T>, options?: AcquireOptions): Promise<T>;
  withLock<T>(
    names: readonly string[],
    section: (lease: MultiLease) => T | PromiseLike<T>,
    options?: AcquireOptions,
  ): Promise<T>;
  async withLock<T>(
    names: string | readonly string[],
    section: ((lease: Lease) => T | PromiseLike<T>) & ((lease: MultiLease) => T | PromiseLike<T>),
    options?: AcquireOptions,
  ): Promise<T> {
    const lease = await this.acquire(names as string, options);
    const leases = lease instanceof Lease ? [lease] : (lease as MultiLease).leases;
    for (const each of leases) each.enterSection();
    const scope = new Section(this, leases);
    try {
      return await scope.run(() => section(lease as Lease & MultiLease));
    } finally {
      scope.end();
      await lease.release();
    }
  }

  /**
   * Takes a lock, or several, and leaves it to the caller to release it. `await using` does so by itself.
   *
   * @throws LockBusyError after `wait`
   * @throws LockAbortedError, LockUnavailableError, LockShutdownError
   */
  acquire(name: string, options?: AcquireOptions): Promise<Lease>;
  acquire(names: readonly string[], options?: AcquireOptions): Promise<MultiLease>;
  acquire(names: string | readonly string[], options?: AcquireOptions): Promise<Lease | MultiLease> {
    try {
      const request = this.options.resolve(options);
      if (Array.isArray(names)) return this.acquireAll(checkLockNames(names), request);
      checkLockName(names);
      return this.acquireOne(names, request);
    } catch (error) {
      return Promise.reject(error instanceof Error ? error : new Error(String(error)));
    }
  }

  /**
   * Takes a lock, or several, if it is free. `null` when it is taken (or, with `wait`, still taken after that).
   *
   * @throws LockAbortedError, LockUnavailableError, LockShutdownError
   */
  tryAcquire(name: string, options?: AcquireOptions): Promise<Lease | null>;
  tryAcquire(names: readonly string[], options?: AcquireOptions): Promise<MultiLease | null>;
  async tryAcquire(
    names: string | readonly string[],
    options: AcquireOptions = {},
  ): Promise<Lease | MultiLease | null> {
    try {
      return await this.acquire(names as string, { ...options, wait: options.wait ?? 0 });
    } catch (error) {
      if (error instanceof LockBusyError) return null;
      throw error;
    }
  }

  /** What Redis knows about a lock now. It may have changed by the time it is read. */
  async inspect(name: string): Promise<LockState> {
    checkLockName(name);
    return this.store.inspect(name);
  }

  /**
   * Releases a lock regardless of its holder, and notifies its waiters. The holder notices at its next renewal. For operators:
   * two sections may run at once after it. `true` if the lock was held.
   */
  async forceRelease(name: string): Promise<boolean> {
    checkLockName(name);
    return this.store.forceRelease(name);
  }

  stats(): LockStats {
    const { nodes } = this.store;
    return {
      held: this.tenures.size,
      waiting: this.lines.waiting,
      unsettled: this.lines.unsettled + (this.store.unsettled ?? 0),
      ...(nodes === undefined ? {} : { nodes }),
    };
  }

  /** Which locks callers of this service wait for now, and how many for each. */
  waitLines(): WaitLineLength[] {
    return this.lines.lengths();
  }

  /**
   * Grants no new locks from now on: waiting and new callers get `LockShutdownError`. Running sections go on, and code
   * inside them can still take locks until the service is closed.
   */
  refuse(): void {
    this.refusing = true;
    this.lines.refuseOutsiders();
  }

  /**
   * Refuses new locks, waits for held leases and running sections (for `shutdownTimeout` at most), then aborts the signals
   * of those that remain, gives them a moment to end and release their locks, and closes what this service opened. Locks
   * of sections that still run are not released, since they still guard something: their leases end by themselves.
   */
  close(): Promise<void> {
    return (this.closed ??= this.shutDown());
  }

  toJSON(): LockStats {
    return this.stats();
  }

  /** Its parts would fill pages, and contain the password of the connection. */
  [inspect.custom](_depth: number, options: InspectOptions): string {
    return `LockService ${inspect(this.stats(), options)}`;
  }

  /** @internal Aborts when the service is closed. */
  get closing(): AbortSignal {
    return this.closer.signal;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  private async acquireAll(names: string[], request: ResolvedAcquire): Promise<MultiLease> {
    const until = monotonic() + request.wait;
    for (;;) {
      try {
        return await this.acquireEach(names, request, until);
      } catch (error) {
        if (!(error instanceof LockLostError)) throw error;
        // One of the first was lost while a later one was waited for: all of them are needed at once, so begin anew.
        if (monotonic() < until) continue;
        const what = 'it was lost again while the others were waited for.';
        throw new LockUnavailableError(what, error.lockName, { cause: error, retryable: true, outcomeUnknown: false });
      }
    }
  }

  /** @throws LockLostError if one of the locks was lost before all were there */
  private async acquireEach(names: string[], request: ResolvedAcquire, until: number): Promise<MultiLease> {
    const leases: Lease[] = [];
    // While later locks are waited for, the first ones have to be kept alive, and free to be given back at once. A fixed
    // lease and the time to hold begin when all are there.
    const part: ResolvedAcquire = { ...request, leaseMs: this.settings.leaseMs, renews: true, holdAtLeast: 0 };
    try {
      for (const name of names) {
        const wait = Math.max(0, until - monotonic());
        leases.push(await this.acquireOne(name, { ...part, wait }));
      }
      const lease = new MultiLease(leases);
      await Promise.all(leases.map((each) => each.begin(request)));
      lease.assertHeld();
      return lease;
    } catch (error) {
      await Promise.all(leases.map((lease) => lease.release()));
      throw error;
    }
  }

  private acquireOne(name: string, request: ResolvedAcquire): Promise<Lease> {
    try {
      const joined = this.joinEnclosing(name, request);
      if (joined !== null) return Promise.resolve(joined);
    } catch (error) {
      if (error instanceof LockError) tellRefused(name, error, 0);
      throw error;
    }
    const origin = new AsyncResource('nestjs-redis-lock:lease', RESOURCE_OPTIONS);
    const claim = (hold: Hold, since: number): Lease => this.begin(hold, request, since, origin);
    const served = this.lines.join(name, request, claim, runsUnderLease());
    return channels.refused.hasSubscribers ? tellingRefusal(name, served) : served;
  }

  /** The lease that the caller runs under, if it is one for this name; `null` if the lock is still to be taken. */
  private joinEnclosing(name: string, request: ResolvedAcquire): Lease | null {
    if (request.signal?.aborted !== true) {
      const joined = request.nested === 'wait' ? null : enclosingLease(this, name)?.join();
      if (joined !== undefined && joined !== null) {
        if (request.nested === 'join') return joined;
        void joined.release();
        throw new LockBusyError(name, { reason: 'nested', waitedMs: 0, remainingMs: undefined });
      }
      // The shutdown waits for sections: they can finish what they have begun.
      if (this.refusing && !runsUnderLease()) throw new LockShutdownError(name);
    }
    return null;
  }

  private begin(hold: Hold, request: ResolvedAcquire, asked: number, origin: AsyncResource): Lease {
    const tenure = new Tenure(hold, request.holdAtLeast, this, origin);
    if (!tenure.ended) this.tenures.begin(tenure);
    if (channels.acquired.hasSubscribers) tenure.inContext(() => tellAcquired(hold, tenure.since - asked));
    return new Lease(tenure);
  }

  /** @internal */
  release(tenure: Tenure): Promise<ReleaseOutcome> {
    return this.lines.release(tenure.hold, tenure.keepMs());
  }

  /** @internal */
  onReleased(tenure: Tenure, outcome: ReleaseOutcome): void {
    this.tenures.end(tenure);
    if (outcome === 'lost' && !tenure.ended) this.reporter.warn('lost', lostWarning(tenure.hold, 'taken'));
    tellReleased(tenure, outcome);
  }

  /** @internal */
  onLost(tenure: Tenure, reason: LockLostReason): void {
    this.tenures.lose(tenure);
    this.reporter.warn('lost', lostWarning(tenure.hold, reason));
  }

  /** @internal */
  async extend(tenure: Tenure, ms: number, fix: boolean): Promise<void> {
    const leaseMs = Math.max(checkLease('ms', ms), Math.ceil(tenure.keepMs()));
    await extendTenure(tenure, leaseMs, fix, this.store, this.watchdog);
  }

  private async shutDown(): Promise<void> {
    this.refuse();
    this.closer.abort();
    // Who was granted a lock a moment ago gets to know it first, and is waited for.
    await new Promise<void>(onNextTurn);
    const { shutdownTimeout } = this.settings;
    await this.tenures.drain(shutdownTimeout, SLOW_SHUTDOWN_MS, () => {
      const warning = slowShutdownWarning(this.tenures.names(), shutdownTimeout - SLOW_SHUTDOWN_MS);
      this.reporter.warn('shutdown', warning);
    });
    this.lines.refuseAll();
    this.tenures.shutDown();
    await this.tenures.drain(ABORTED_DRAIN_MS);
    const left = this.tenures.names();
    if (left.length > 0) this.reporter.warn('shutdown', leftWarning(left));
    this.watchdog.close();
    await this.lines.close();
    await this.store.close();
  }
}

/** `served` as it is; if the caller is refused, the channel hears of it in the caller's async context. */
async function tellingRefusal(name: string, served: Promise<Lease>): Promise<Lease> {
  const asked = monotonic();
  try {
    return await served;
  } catch (error) {
    if (error instanceof LockError) tellRefused(name, error, monotonic() - asked);
    throw error;
  }
}
