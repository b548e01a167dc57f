import { AsyncResource } from 'node:async_hooks';
import { inServiceContext } from '../context/service-context.js';
import { LockAbortedError, LockBusyError, LockConfigError } from '../errors/index.js';
import { quoteName } from '../errors/quote-name.js';
import { currentLease } from '../leases/current-lease.js';
import type { Lease } from '../leases/lease.js';
import type { LockService } from '../lock.service.js';
import { checkLockName } from '../naming/lock-name.js';
import { monotonic, wall } from '../time/clock.js';
import { Deadline, Deadlines } from '../time/deadlines.js';
import { onNextTurn } from '../time/ticks.js';
import { CacheEntries, type CacheEntry } from './cache-entries.js';
import { ComputedValue, type Computation, type FlightContext } from './computation.js';
import { Flight } from './flight.js';
import { FlightCaller, type Outcome } from './flight-caller.js';
import { sharedCache, type FlightCache } from './shared-cache.js';
import {
  checkSingleFlightOptions,
  flightOptions,
  type SingleFlightCallOptions,
  type SingleFlightOptions,
} from './single-flight-options.js';

/** How long a process makes no further attempt at a refresh that failed, or that another process makes, in ms. */
const REFRESH_PAUSE_MS = 1_000;
const CACHE_TIMEOUT_MS = 1_000;
/**
 * How many callers of one process read an entry at the same time before the others wait for the first of them. In
 * `bench:single-flight`, with both cores busy, 2,000 cold readers made 202 requests instead of 2,092, and the last had the
 * value after 1.13 instead of 1.41 × the computation.
 */
const MAX_READS = 16;

/**
 * A cache whose values are computed once for all replicas, however many callers miss them at the same time.
 *
 * The lock of a value has the name of its key. A function never runs without that lock. Values are stored in an
 * envelope, so other code cannot read them from the cache itself.
 *
 * @publicApi
 */
export class SingleFlightCache {
  private readonly options: SingleFlightOptions;
  private readonly context: FlightContext;
  private readonly deadlines = new Deadlines({ afterInput: true, keepsProcessAlive: false });
  private readonly flights = new Map<string, Flight>();
  /** The reads that are in progress. */
  private readonly reads = new Map<string, { count: number; readonly first: Promise<void> }>();
  /** The keys that are not to be refreshed now. */
  private readonly refreshed = new Set<string>();

  /** @throws LockConfigError if the cache or an option cannot be used */
  constructor(
    private readonly locks: LockService,
    cache: FlightCache,
    options: SingleFlightOptions,
  ) {
    checkSingleFlightOptions(options);
    this.options = { ...options };
    flightOptions(options, undefined, 0);
    const { cacheTimeout = CACHE_TIMEOUT_MS } = options;
    const entries = new CacheEntries(sharedCache(cache), cacheTimeout, this.deadlines, locks.reporter);
    this.context = { locks, entries, flights: this.flights };
  }

  /**
   * Resolves with the value of a key. If the cache has none, one caller of all processes computes it, and the others wait
   * for the value.
   *
   * Callers of one process that wait for the same value get the same object. An error of `compute` goes to those of them
   * that waited for it; the next caller tries again. If the lock or the cache cannot be used, see the guide.
   *
   * @param compute runs in the async context of its caller, under the lease of the lock
   * @throws LockBusyError if the value is not there after `wait`, or if the call comes from the computation of the same
   *   key
   * @throws LockAbortedError, LockUnavailableError, LockShutdownError, LockConfigError, LockNameError, and the error of
   *   `compute`
   */
  async get<T>(
    key: string,
    compute: (lease: Lease) => T | PromiseLike<T>,
    options?: SingleFlightCallOptions,
  ): Promise<T> {
    checkLockName(key);
    if (typeof compute !== 'function') throw new LockConfigError('"compute" must be a function.');
    const call = { compute, options: flightOptions(this.options, options, this.locks.defaultWait) };
    const signal = options?.signal;
    let until: number | undefined;
    for (;;) {
      if (signal?.aborted === true) throw new LockAbortedError(key, signal.reason);
      // A flight has begun because there was no value.
      const entry = this.flights.has(key) ? undefined : await this.read(key);
      if (isUsable(entry)) {
        if (isDue(entry, call.options.refreshAhead)) this.refresh(key, entry, call);
        return entry.value as T;
      }
      until ??= monotonic() + call.options.wait;
      const outcome = await this.fly(key, entry, call, until, signal);
      if (outcome === 'again' && monotonic() < until) continue;
      if (outcome !== 'again' && 'value' in outcome) return outcome.value as T;
      if (outcome !== 'again' && 'failure' in outcome) throw outcome.failure;
      return (await this.lastValue(key, call.options.wait, outcome)) as T;
    }
  }

  /**
   * Removes the value of a key from the cache. The result of a computation that has begun, in any process, is not cached,
   * and calls that begin after this one has resolved do not get it. The guide describes the limits that a cache without
   * compare-and-set has.
   *
   * @throws LockUnavailableError if the cache fails
   */
  async delete(key: string): Promise<void> {
    checkLockName(key);
    await this.context.entries.invalidate(key);
  }

  /**
   * Reads an entry. Of many callers at once, most wait until the first has read it: if there is none, they join its
   * flight. If there is one, each reads it, so that each gets an object of its own.
   */
  private async read(key: string): Promise<CacheEntry | undefined> {
    const { entries } = this.context;
    const known = this.reads.get(key);
    if (known !== undefined && known.count >= MAX_READS) {
      await known.first;
      return this.flights.has(key) ? undefined : entries.read(key);
    }
    const reading = entries.read(key);
    const reads = known ?? { count: 0, first: followed(reading) };
    reads.count += 1;
    this.reads.set(key, reads);
    const entry = await reading;
    reads.count -= 1;
    if (reads.count === 0) this.reads.delete(key);
    return entry;
  }

  /**
   * The value for a caller that was not served: another process may have written one by now.
   *
   * @throws LockUnavailableError if it is not known whether another caller has the lock
   */
  private async lastValue(key: string, waitedMs: number, outcome: { refusal: unknown } | 'again'): Promise<unknown> {
    const entry = await this.context.entries.read(key);
    if (isUsable(entry)) return entry.value;
    if (outcome !== 'again') throw outcome.refusal;
    const { remainingMs, holder } = await this.locks.inspect(key);
    throw new LockBusyError(key, { reason: 'held', waitedMs, remainingMs, holder });
  }

  /** Joins the flight of a key, or begins one. */
  private async fly(
    key: string,
    entry: CacheEntry | undefined,
    call: Omit<Computation, 'context'>,
    until: number,
    signal: AbortSignal | undefined,
  ): Promise<Outcome> {
    if (currentLease(key) !== undefined) {
      throw new LockBusyError(key, { reason: 'nested', waitedMs: 0, remainingMs: undefined });
    }
    const known = this.flights.get(key);
    const { options } = call;
    if (known !== undefined && options.wait === 0) return 'again';
    const flight = known ?? this.begin(key, entry);
    const caller = new FlightCaller(call, signal, this.deadlines);
    // Without a wait, the flight itself ends if the lock is taken.
    const outcome = caller.waitIn(flight, options.wait === 0 ? Infinity : until);
    if (known === undefined) flight.start(options);
    return outcome;
  }

  private begin(key: string, entry: CacheEntry | undefined): Flight {
    const flight = new Flight(key, entry?.token ?? 0, this.context, () => {
      this.flights.delete(key);
    });
    this.flights.set(key, flight);
    return flight;
  }

  /** Computes a new value in the background, unless that is being done. Its callers have the old value. */
  private refresh(key: string, entry: CacheEntry, call: Omit<Computation, 'context'>): void {
    if (this.refreshed.has(key)) return;
    this.refreshed.add(key);
    const computation = { ...call, context: new AsyncResource('nestjs-redis-lock:refresh') };
    inServiceContext(() => this.tryRefresh(key, entry, computation)).then(
      (done) => {
        if (done) this.refreshed.delete(key);
        else this.pauseRefresh(key, call.options.ttl);
      },
      (error: unknown) => {
        const reason = error instanceof Error ? error.message : String(error);
        this.locks.reporter.warn('refresh', `The cached value of ${quoteName(key)} could not be renewed: ${reason}`);
        this.pauseRefresh(key, call.options.ttl);
      },
    );
  }

  /** Resolves with `false` if another caller has the lock. */
  private async tryRefresh(key: string, seen: CacheEntry, computation: Computation): Promise<boolean> {
    const { lease: length, renew, label } = computation.options;
    const lease = await this.locks.tryAcquire(key, { lease: length, renew, label });
    if (lease === null) return false;
    // A function that has lost its lease may never end.
    lease.signal.addEventListener('abort', () => this.refreshed.delete(key));
    try {
      const before = await this.context.entries.readState(key);
      if (before?.entry?.token !== seen.token || lease.signal.aborted) return true;
      const computed = await ComputedValue.compute(key, lease, computation, this.locks);
      await computed.store(this.context.entries, before);
      return true;
    } finally {
      await lease.release();
    }
  }

  private pauseRefresh(key: string, ttl: number): void {
    const limit = new Limit(() => {
      this.refreshed.delete(key);
    });
    this.deadlines.add(limit, monotonic() + Math.min(ttl, REFRESH_PAUSE_MS));
  }
}

class Limit extends Deadline {
  constructor(readonly onDue: () => void) {
    super();
  }
}

/** Resolves when the code that waits for `reading`, which never rejects, has run. */
function followed(reading: Promise<unknown>): Promise<void> {
  return reading.then(() => new Promise<void>(onNextTurn));
}

/** Whether an entry may be returned. */
function isUsable(entry: CacheEntry | undefined): entry is CacheEntry {
  return entry !== undefined && wall() < entry.staleUntil;
}

/** Whether a new value should be computed. */
function isDue({ freshUntil }: CacheEntry, refreshAhead: number): boolean {
  return wall() >= freshUntil - refreshAhead;
}
