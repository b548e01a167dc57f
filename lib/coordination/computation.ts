import type { AsyncResource } from 'node:async_hooks';
import { isObservable } from 'rxjs';
import { LockConfigError } from '../errors/index.js';
import { quoteName } from '../errors/quote-name.js';
import type { Lease } from '../leases/lease.js';
import type { LockService } from '../lock.service.js';
import { monotonic, wall } from '../time/clock.js';
import { INVALIDATION_MS, type CacheEntries, type CacheEntry, type CacheState } from './cache-entries.js';
import type { FlightOptions } from './single-flight-options.js';

/** A function that computes a value, with the options and the async context of its caller. */
export interface Computation {
  readonly compute: (lease: Lease) => unknown;
  readonly options: FlightOptions;
  readonly context: AsyncResource;
}

/** What computations of one cache share. */
export interface FlightContext {
  readonly locks: LockService;
  readonly entries: CacheEntries;
  /** The values that callers of this process wait for. */
  readonly flights: { readonly size: number };
}

/** A value that was computed under a lease. */
export class ComputedValue {
  private constructor(
    private readonly key: string,
    private readonly lease: Lease,
    private readonly options: FlightOptions,
    readonly value: unknown,
    private readonly tookMs: number,
  ) {}

  /** @throws the error of the function */
  static async compute(
    key: string,
    lease: Lease,
    computation: Computation,
    locks: LockService,
  ): Promise<ComputedValue> {
    const began = monotonic();
    const value = await inSection(locks, lease, computation);
    if (isObservable(value)) {
      throw new LockConfigError(`The value of ${quoteName(key)} is an Observable, which cannot be cached.`, key);
    }
    return new ComputedValue(key, lease, computation.options, value, monotonic() - began);
  }

  /**
   * Caches the value, unless it is out of date.
   *
   * @param before the state of the cache when the computation began; `undefined` if it was not known
   * @returns whether the value was not invalidated since
   */
  async store(entries: CacheEntries, before: CacheState | undefined): Promise<boolean> {
    if (before === undefined || this.tookMs >= INVALIDATION_MS) return true;
    return entries.write(this.key, entryOf(this.value, this.lease, this.options), this.lease, before);
  }
}

/** Runs the function as a section of the lease, in the context of its caller. */
function inSection(locks: LockService, lease: Lease, { compute, context }: Computation): Promise<unknown> {
  return context.runInAsyncScope(async () => {
    const scope = locks.enterSection(lease);
    try {
      return await scope.run(() => compute(lease));
    } finally {
      scope.end();
    }
  });
}

/** `undefined` if the value is absent, and absent values are not cached. */
function entryOf(
  value: unknown,
  { token }: Lease,
  { ttl, staleFor, absentTtl }: FlightOptions,
): CacheEntry | undefined {
  const freshFor = value === undefined || value === null ? absentTtl : ttl;
  if (freshFor === 0) return undefined;
  const freshUntil = wall() + freshFor;
  return { token, freshUntil, staleUntil: freshUntil + staleFor, ...(value === undefined ? {} : { value }) };
}
