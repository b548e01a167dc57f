import { LockConfigError } from '../errors/index.js';
import type { PermitCount } from '../stores/lock-store.js';
import type { AcquireOptions } from './acquire-options.js';
import { checkKnown, checkWhole, show } from './checks.js';

/** The largest number of permits of a semaphore, and of one call. */
const MAX_PERMITS = 1_000_000;
const MAX_TAKE = 1_000;

/**
 * Options of a semaphore.
 *
 * @publicApi
 */
export interface SemaphoreOptions {
  /**
   * How many permits there are, for all processes together. 1 to 1 000 000. If it differs between processes, as in a rolling
   * deploy, each process takes permits only as long as no more than its own number are taken.
   */
  readonly permits: number;
}

/**
 * Options of one call that takes permits; every duration is in ms.
 *
 * @publicApi
 */
export interface PermitOptions extends Omit<AcquireOptions, 'mode'> {
  /** How many permits to take, all or none. 1 to `permits`, 1 000 at most. Default 1. */
  readonly take?: number;
}

/** @internal @throws LockConfigError */
export function checkSemaphoreOptions(options: unknown): SemaphoreOptions {
  if (typeof options !== 'object' || options === null) {
    throw new LockConfigError(`A semaphore needs options with "permits", but got ${show(options)}.`);
  }
  checkKnown('A semaphore', options, ['permits']);
  const permits: unknown = Reflect.get(options, 'permits');
  return { permits: checkPermits(permits) };
}

/** @internal @throws LockConfigError unless it is an object; the options of a lock are checked later */
export function checkPermitOptions(options: unknown): PermitOptions {
  if (typeof options === 'object' && options !== null) {
    if (Reflect.get(options, 'mode') === undefined) return options;
    throw new LockConfigError('"mode" is an option of a lock, not of a semaphore.');
  }
  throw new LockConfigError(`The options for permits must be an object, but are ${show(options)}.`);
}

/** @internal @throws LockConfigError */
export function checkPermits(permits: unknown): number {
  return checkWhole('permits', permits, 1, MAX_PERMITS);
}

/** @internal @throws LockConfigError */
export function checkTake(take: unknown, permits = MAX_TAKE): PermitCount {
  return { permits, take: checkWhole('take', take, 1, Math.min(permits, MAX_TAKE)) };
}
