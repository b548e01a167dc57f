import { callSiteOf } from './leases/abandoned-leases.js';
import type { Lease } from './leases/lease.js';
import { LockBusyError } from './errors/index.js';
import { checkPermitOptions, type PermitOptions } from './options/semaphore-options.js';
import type { PermitState } from './stores/lock-state.js';

/**
 * The permits of a semaphore in Redis. They may have changed by the time the result is read.
 *
 * @publicApi
 */
export interface SemaphoreState {
  /** How many permits there are, as the last caller in any process said. */
  readonly permits: number;
  /** How many of them can be taken now. */
  readonly available: number;
  /** How many are taken, in all processes. */
  readonly held: number;
  /** How many callers of this service wait for permits. */
  readonly waiting: number;
}

/** What a semaphore needs of its service. */
export interface SemaphoreHost {
  /** @param site where it is called, if the caller must release the permits */
  take(options: PermitOptions, site?: { readonly stack: string }): Promise<Lease>;
  run<T>(acquired: Promise<Lease>, section: (lease: Lease) => T | PromiseLike<T>): Promise<T>;
  inspect(): Promise<PermitState>;
  waiting(): number;
}

/**
 * Limits how many callers run at a time, in all processes together: each takes a permit, or several, and gives them back.
 * Permits are leases: they are renewed while they are held, and return when their holder dies. `LockService.semaphore`
 * creates it.
 *
 * @publicApi
 */
export class Semaphore {
  /** @internal Use `LockService.semaphore`. */
  constructor(
    /** The name of the semaphore. No lock can have the same name. */
    readonly name: string,
    /** How many permits there are. */
    readonly permits: number,
    private readonly host: SemaphoreHost,
  ) {}

  /**
   * Runs `section` with a permit, or with `take` of them. Its result or error is passed on unchanged. If the permits are lost
   * meanwhile, the lease's `signal` aborts.
   *
   * @throws LockBusyError if there are too few permits until the end of `wait`; LockAbortedError, LockUnavailableError,
   *   LockShutdownError. `section` has not run then
   * @throws LockConfigError if an option is not valid, or if the name is in use for another kind of lock
   */
  withPermit<T>(section: (lease: Lease) => T | PromiseLike<T>, options: PermitOptions = {}): Promise<T> {
    return this.host.run(this.host.take(options), section);
  }

  /** Takes permits, which the caller must give back with `release`; `await using` does so at the end of the block. */
  acquire(options: PermitOptions = {}): Promise<Lease> {
    return this.host.take(options, callSiteOf(this, 'acquire'));
  }

  /** Takes permits if there are enough, without waiting; with `wait`, for up to that long. `null` if there are too few. */
  async tryAcquire(options: PermitOptions = {}): Promise<Lease | null> {
    const checked = checkPermitOptions(options);
    try {
      return await this.host.take({ ...checked, wait: checked.wait ?? 0 }, callSiteOf(this, 'tryAcquire'));
    } catch (error) {
      if (error instanceof LockBusyError) return null;
      throw error;
    }
  }

  /** @throws LockUnavailableError */
  async inspect(): Promise<SemaphoreState> {
    const { permits = this.permits, held } = await this.host.inspect();
    return { permits, held, available: Math.max(0, permits - held), waiting: this.host.waiting() };
  }
}
