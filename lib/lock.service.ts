/*
 * The terms of this library; all other terms have their usual meaning.
 *
 * service       one `LockService` in one process, named by a UUID
 * owner         the value stored in Redis for one grant: `<service uuid>:<number>`
 * kind          locks with a layout in Redis and rules of their own: exclusive, fair and read-write locks, semaphores, latches
 * permit        one of the places of a semaphore; a hold of a semaphore is one permit or several
 * hold          a lock granted to this process; several callers may use one hold in turn, or together if they only read
 * place         a waiter's place in an order that Redis keeps, of a fair or read-write lock or of a semaphore
 * caller hold   the use of a hold by one caller, from grant to release, shared with nested calls that join
 * lease         what a caller gets: a name, a fencing token, a signal, a remaining time
 * holder        the owner that Redis stores now; in this process, also the caller that has the lease
 * section       the code that runs under a lease
 * local queue   the callers of this process that want one lock; only the request of the first one goes to Redis. For a fair
 *               lock, each caller has one of its own
 * hand-over     a local queue passes its hold to the next caller without a release, if necessary after a renewal
 * acquire loop  acquires one lock for a local queue: attempt, subscribe, attempt again, sleep until a notification
 * turn          the estimate of which process is next, if several compete for one lock (see `waiting/turn.ts`)
 * clean-up      releases, in the background, an owner whose request had an unknown outcome
 * abandoned     of a request: its caller no longer waits, but a server may still execute it
 * node          one independent Redis server of a quorum, in the code `QuorumMember`; in `redis/cluster/`, a server of a cluster
 * ballot        one attempt to take a lock on the nodes of a quorum, with an owner of its own
 *
 * The life of one lock: a caller's options are resolved here and become a waiter in the local queue of that name (`waiting/`).
 * The acquire loop gets the lock from the store (`stores/`). The result is a hold, which the watchdog renews (`holds/`). The
 * caller gets a lease on a caller hold (`leases/`). When the lease is released, the local queue passes the hold on, or the store
 * releases the owner.
 */
import { inspect, type InspectOptions } from 'node:util';
import { LockBusyError, LockConfigError, LockShutdownError } from './errors/index.js';
import type { HolderRegistry } from './holders/holder-registry.js';
import { callSiteOf, type CallSite } from './leases/abandoned-leases.js';
import { Section } from './leases/current-lease.js';
import { Lease } from './leases/lease.js';
import { Leases } from './leases/leases.js';
import type { MultiLease } from './leases/multi-lease.js';
import { takeAll } from './leases/take-all.js';
import { checkLockName } from './naming/lock-name.js';
import { AcquireResolver, type AcquireOptions } from './options/acquire-options.js';
import { Latch } from './latch.js';
import { checkLease } from './options/checks.js';
import { checkLatchWaitOptions } from './options/latch-options.js';
import { resolveLocks, type NamedLock } from './options/named-locks.js';
import {
  checkPermitOptions,
  checkSemaphoreOptions,
  checkTake,
  type SemaphoreOptions,
} from './options/semaphore-options.js';
import type { ResolvedSettings } from './options/service-options.js';
import { Semaphore } from './semaphore.js';
import type { FiringStore } from './stores/firing-store.js';
import type { LockStore } from './stores/lock-store.js';
import type { LockState, StoreNode } from './stores/lock-state.js';
import { Reporter } from './telemetry/reporter.js';
import type { QueueLength } from './waiting/queue-length.js';

/** The current counts of a service. */
export interface LockStats {
  /** Leases held by callers of this service. */
  readonly held: number;
  /** Callers that wait for a lock. */
  readonly waiting: number;
  /** Abandoned requests that are being cleaned up in the background. */
  readonly unsettled: number;
  /** Held locks whose last renewal failed, or has no reply yet although its time is over: a lock is lost unless a retry succeeds. */
  readonly failingRenewals: number;
  /**
   * Locks that callers wait for although notifications of their releases do not arrive: the callers notice a release a few
   * seconds later.
   */
  readonly unnotified: number;
  /** Calls of jobs that run once (`runOnce`) which did not run them, by reason. */
  readonly skipped: { readonly ran: number; readonly running: number };
  /** The state of each node of a quorum or master of a cluster. */
  readonly nodes?: readonly StoreNode[];
}

/**
 * Acquires and releases distributed locks. Inject it in NestJS; elsewhere create it with `createLockService`.
 *
 * @publicApi
 */
export class LockService {
  private readonly leases: Leases;
  private readonly options: AcquireResolver;
  private closed: Promise<void> | null = null;
  private readonly refuser = new AbortController();
  private readonly closer = new AbortController();
  /** @internal Writes warnings. */
  readonly reporter: Reporter;
  /** @internal Counts the skipped calls of `runOnce`. */
  readonly skips = { ran: 0, running: 0 };

  /** @internal Use `createLockService` or inject it. */
  constructor(
    private readonly store: LockStore,
    private readonly settings: ResolvedSettings,
    reporter?: Reporter,
    private readonly holders?: HolderRegistry,
  ) {
    // Nest calls the constructor without arguments if the class is listed in "providers".
    if ((store as LockStore | undefined) === undefined) {
      throw new LockConfigError(
        'LockService is provided by RedisLockModule.forRoot(): import that module, and remove LockService from "providers".',
      );
    }
    this.options = new AcquireResolver(settings, {
      maxLeaseMs: store.maxLeaseMs,
      exclusiveOnly: store.readWrite === undefined,
    });
    this.reporter = reporter ?? new Reporter(settings.logger);
    this.leases = new Leases(store, settings, this.reporter, (ms) => checkLease('ms', ms), holders);
  }

  /**
   * Runs `section` under a lock, or under several locks: all or none, in an order that cannot deadlock.
   *
   * The result or the error of `section` is passed on unchanged. If the lock is lost meanwhile, the lease's `signal`
   * aborts, and the section decides what to do.
   *
   * @throws LockBusyError, LockAbortedError, LockUnavailableError, LockShutdownError if the lock was not acquired;
   *   `section` has not run then
   */
  withLock<T>(name: string, section: (lease: Lease) => T | PromiseLike<T>, options?: AcquireOptions): Promise<T>;
  withLock<T>(
    names: readonly (string | NamedLock)[],
    section: (lease: MultiLease) => T | PromiseLike<T>,
    options?: AcquireOptions,
  ): Promise<T>;
  withLock<T>(
    names: string | readonly (string | NamedLock)[],
    section: ((lease: Lease) => T | PromiseLike<T>) & ((lease: MultiLease) => T | PromiseLike<T>),
    options?: AcquireOptions,
  ): Promise<T> {
    return this.runSection(this.take(names, options, undefined) as Promise<Lease & MultiLease>, section);
  }

  /**
   * Acquires a lock, or several. The caller must release it; `await using` does so at the end of the block. A lease that is
   * renewed and becomes unreachable without a release is released and reported when it is garbage-collected.
   *
   * @throws LockBusyError if the lock is still taken after `wait`
   * @throws LockAbortedError, LockUnavailableError, LockShutdownError
   */
  acquire(name: string, options?: AcquireOptions): Promise<Lease>;
  acquire(names: readonly (string | NamedLock)[], options?: AcquireOptions): Promise<MultiLease>;
  acquire(names: string | readonly (string | NamedLock)[], options?: AcquireOptions): Promise<Lease | MultiLease> {
    return this.take(names, options, callSiteOf(this, 'acquire'));
  }

  /** @param site where it is called, if the caller must release the lock */
  private take(
    names: string | readonly (string | NamedLock)[],
    options: AcquireOptions | undefined,
    site: CallSite | undefined,
  ): Promise<Lease | MultiLease> {
    try {
      const resolved = this.options.resolve(options);
      const request = site === undefined ? resolved : { ...resolved, site };
      if (Array.isArray(names)) {
        const leaseMs = request.renewMs ?? this.settings.lease;
        const locks = resolveLocks(names, (mode = options?.mode) => this.options.resolveMode(mode));
        return takeAll(this.leases, locks, request, leaseMs);
      }
      checkLockName(names);
      return this.leases.take(names, request);
    } catch (error) {
      return Promise.reject(error instanceof Error ? error : new Error(String(error)));
    }
  }

  /**
   * Acquires a lock, or several, if they are free, without waiting. With the option `wait`, it waits for a taken lock
   * for that long. Resolves with `null` if a lock is still taken then.
   *
   * @throws LockAbortedError, LockUnavailableError, LockShutdownError
   */
  tryAcquire(name: string, options?: AcquireOptions): Promise<Lease | null>;
  tryAcquire(names: readonly (string | NamedLock)[], options?: AcquireOptions): Promise<MultiLease | null>;
  async tryAcquire(
    names: string | readonly (string | NamedLock)[],
    options: AcquireOptions = {},
  ): Promise<Lease | MultiLease | null> {
    try {
      return await this.take(names, { ...options, wait: options.wait ?? 0 }, callSiteOf(this, 'tryAcquire'));
    } catch (error) {
      if (error instanceof LockBusyError) return null;
      throw error;
    }
  }

  /**
   * A semaphore: at most `permits` callers have a permit at a time, in all processes together.
   *
   * @throws LockNameError, LockConfigError if the name or an option is not valid, or over a quorum
   */
  semaphore(name: string, options: SemaphoreOptions): Semaphore {
    checkLockName(name);
    const { permits } = checkSemaphoreOptions(options);
    const { semaphores } = this.store;
    if (semaphores === undefined) {
      throw new LockConfigError(
        'A semaphore needs one Redis, Sentinel or a cluster: over a quorum, a majority of the nodes would not limit how many ' +
          'permits are taken.',
        name,
      );
    }
    return new Semaphore(name, permits, {
      take: async (options, site) => {
        const { take = 1, ...others } = checkPermitOptions(options);
        const count = checkTake(take, permits);
        return this.leases.take(name, { ...this.options.resolve(others), permits: count, site });
      },
      run: (acquired, section) => this.runSection(acquired, section),
      inspect: () => semaphores.inspect(name),
      waiting: () => this.leases.waitingForPermits(name),
    });
  }

  /**
   * A latch: callers wait until it was counted down to 0, in any process.
   *
   * @throws LockNameError if the name is not valid; LockConfigError over a quorum
   */
  latch(name: string): Latch {
    checkLockName(name);
    const { latches } = this.store;
    if (latches === undefined) {
      throw new LockConfigError(
        'A latch needs one Redis, Sentinel or a cluster: the independent nodes of a quorum have no common count.',
        name,
      );
    }
    return new Latch(name, {
      store: latches,
      retryMs: this.settings.wait,
      closing: this.closing,
      wait: async (options) => this.leases.passLatch(name, this.options.resolve(checkLatchWaitOptions(options))),
    });
  }

  /** The state of a lock in Redis. It may have changed by the time the result is read. */
  async inspect(name: string): Promise<LockState> {
    checkLockName(name);
    const state = await this.store.inspect(name);
    return { ...state, holder: await this.holders?.find(state.owner) };
  }

  /**
   * Releases a lock regardless of its holder, and notifies its waiters. The holder detects it at its next renewal. For
   * operators: afterwards two sections may run at once. Resolves with `true` if the lock was held.
   */
  async forceRelease(name: string): Promise<boolean> {
    checkLockName(name);
    return this.store.forceRelease(name);
  }

  /** The current counts, and the state of each server if there are several. */
  stats(): LockStats {
    const { held, waiting, unsettled, failingRenewals, unnotified } = this.leases;
    const { nodes } = this.store;
    const skipped = { ...this.skips };
    return {
      held,
      waiting,
      unsettled,
      failingRenewals,
      unnotified,
      skipped,
      ...(nodes === undefined ? {} : { nodes }),
    };
  }

  /** The locks that callers of this service wait for now, with the number of waiters of each. */
  waiting(): QueueLength[] {
    return this.leases.waitLines();
  }

  /** @internal The former name of `waiting`. */
  waitLines(): never {
    throw new LockConfigError('"waitLines()" is replaced by "waiting()".');
  }

  /**
   * Grants no new locks from now on: waiting and new callers get `LockShutdownError`. Running sections continue, and
   * code inside them can still take locks until the service is closed. Leaders resign.
   */
  refuse(): void {
    this.refuser.abort(new LockShutdownError());
    this.leases.refuse();
  }

  /**
   * Refuses new locks, waits for held leases and running sections (for `shutdownTimeout` at most), then aborts the
   * signals of those that remain, waits 500 ms more for them, and closes the connections that this service opened.
   * Locks of sections that still run are not released, since the sections still need them: their leases expire.
   */
  close(): Promise<void> {
    return (this.closed ??= this.shutDown());
  }

  toJSON(): LockStats {
    return this.stats();
  }

  /** The default output would be long, and contain the password of the connection. */
  [inspect.custom](_depth: number, options: InspectOptions): string {
    return `LockService ${inspect(this.stats(), options)}`;
  }

  private async runSection<Held extends Lease | MultiLease, T>(
    acquired: Promise<Held>,
    section: (lease: Held) => T | PromiseLike<T>,
  ): Promise<T> {
    const lease = await acquired;
    const scope = this.enterSection(lease);
    try {
      return await scope.run(() => section(lease));
    } finally {
      scope.end();
      await lease.release();
    }
  }

  /** @internal The async context of a section under a lease. The caller ends it, and releases the lease. */
  enterSection(lease: Lease | MultiLease): Section {
    const leases = lease instanceof Lease ? [lease] : lease.leases;
    for (const each of leases) each.enterSection();
    return new Section(this.leases, leases);
  }

  /** @internal How long a call waits by default, in ms. */
  get defaultWait(): number {
    return this.settings.wait;
  }

  /** @internal Aborts when the service is closed. */
  get closing(): AbortSignal {
    return this.closer.signal;
  }

  /** @internal Aborts when the service grants no new locks any more. */
  get refusing(): AbortSignal {
    return this.refuser.signal;
  }

  /** @internal How long a shutdown waits for running sections, in ms. */
  get shutdownTimeout(): number {
    return this.settings.shutdownTimeout;
  }

  /** @internal @throws LockConfigError if an acquisition cannot have these options */
  checkOptions(options: AcquireOptions): void {
    this.options.resolve(options);
  }

  /** @internal The firings of jobs, if the store can record them. */
  get firings(): FiringStore | undefined {
    return this.store.firings;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  private async shutDown(): Promise<void> {
    this.refuse();
    this.closer.abort();
    await this.leases.close();
    await this.holders?.close();
    await this.store.close();
  }
}
