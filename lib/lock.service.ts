/*
 * The words of this library; all others have their usual meaning.
 *
 * client        one service in one process, named by a UUID
 * owner         the value stored in Redis for one grant: `<client uuid>:<number>`
 * hold          a lock granted to this process; several callers may use one hold in turn
 * caller hold   the use of a hold by one caller, from grant to release; nested calls that join share it
 * lease         what a caller gets: a name, a fencing token, a signal, a remaining time
 * holder        the client that owns the lock now
 * section       the code that runs under a lease
 * local queue   the callers of this process that want one lock; only the request of the first one goes to Redis
 * hand-over     a local queue passes its hold to the next caller without a release
 * acquire loop  acquires one lock for a local queue: try, subscribe, try again, sleep until a notification
 * turn          the estimate of which process is next, where several want one lock
 * clean-up      releases an owner in the background whose request had an unknown outcome
 * abandoned     a request whose caller is gone, and which a server may still execute
 * node          one independent Redis of a quorum; a member of a cluster is a shard
 *
 * The life of one lock: a caller's options are resolved here and become a waiter in the local queue of that name (`waiting/`).
 * The acquire loop gets the lock from the store (`stores/`). The result is a hold, which the watchdog renews (`holds/`). The
 * caller gets a lease on a caller hold (`leases/`). When the lease is released, the local queue passes the hold on, or the store
 * releases the owner.
 */
import { inspect, type InspectOptions } from 'node:util';
import { LockBusyError, LockConfigError } from './errors/index.js';
import { Section } from './leases/current-lease.js';
import { Lease } from './leases/lease.js';
import { Leases } from './leases/leases.js';
import type { MultiLease } from './leases/multi-lease.js';
import { takeAll } from './leases/take-all.js';
import { checkLockName, checkLockNames } from './naming/lock-name.js';
import { AcquireResolver, type AcquireOptions } from './options/acquire-options.js';
import { checkLease } from './options/checks.js';
import type { ResolvedSettings } from './options/service-options.js';
import type { LockStore } from './stores/lock-store.js';
import type { LockState, StoreNode } from './stores/lock-state.js';
import { Reporter } from './telemetry/reporter.js';
import type { QueueLength } from './waiting/queue-length.js';

/** What a service has in hand now. */
export interface LockStats {
  /** Leases held by callers of this service. */
  readonly held: number;
  /** Callers that wait. */
  readonly waiting: number;
  /** Abandoned requests that are undone in the background. */
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
  private readonly leases: Leases;
  private readonly options: AcquireResolver;
  private closed: Promise<void> | null = null;
  private readonly closer = new AbortController();

  /** @internal Use `createLockService` or inject it. */
  constructor(
    private readonly store: LockStore,
    private readonly settings: ResolvedSettings,
    reporter?: Reporter,
  ) {
    // Nest makes it without arguments where it is listed in "providers".
    if ((store as LockStore | undefined) === undefined) {
      throw new LockConfigError(
        'LockService is provided by RedisLockModule.forRoot(): import that module, and remove LockService from "providers".',
      );
    }
    this.options = new AcquireResolver(settings, store.maxLeaseMs);
    this.leases = new Leases(store, settings, reporter ?? new Reporter(settings.logger), (ms) => checkLease('ms', ms));
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
    const scope = new Section(this.leases, leases);
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
      if (Array.isArray(names)) {
        const leaseMs = request.renewMs ?? this.settings.lease;
        return takeAll(this.leases, checkLockNames(names), request, leaseMs);
      }
      checkLockName(names);
      return this.leases.take(names, request);
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
    const { held, waiting, unsettled } = this.leases;
    const { nodes } = this.store;
    return { held, waiting, unsettled, ...(nodes === undefined ? {} : { nodes }) };
  }

  /** Which locks callers of this service wait for now, and how many for each. */
  waiting(): QueueLength[] {
    return this.leases.waitLines();
  }

  /** @internal The former name of `waiting`. */
  waitLines(): never {
    throw new LockConfigError('"waitLines()" is replaced by "waiting()".');
  }

  /**
   * Grants no new locks from now on: waiting and new callers get `LockShutdownError`. Running sections go on, and code
   * inside them can still take locks until the service is closed.
   */
  refuse(): void {
    this.leases.refuse();
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

  private async shutDown(): Promise<void> {
    this.refuse();
    this.closer.abort();
    await this.leases.close();
    await this.store.close();
  }
}
