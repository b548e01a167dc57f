import { LockLostError, LockUnavailableError } from '../errors/index.js';
import type { TakingMode } from '../stores/lock-store.js';
import { monotonic } from '../time/clock.js';
import type { Lease } from './lease.js';
import type { LeaseRequest, Leases } from './leases.js';
import { MultiLease } from './multi-lease.js';

/** One of several locks. */
export interface LockToTake {
  readonly name: string;
  readonly mode: TakingMode | undefined;
  /** Instead of that of the call. */
  readonly label: string | undefined;
}

/**
 * Takes several locks: all or none. All callers take them in the order of their names, so that they cannot deadlock.
 *
 * @param locks sorted by name, each once
 * @param leaseMs the length of a lease while the other locks are acquired, in ms
 * @throws LockBusyError, LockAbortedError, LockUnavailableError, LockShutdownError
 */
export async function takeAll(
  leases: Leases,
  locks: readonly LockToTake[],
  request: LeaseRequest,
  leaseMs: number,
): Promise<MultiLease> {
  const until = monotonic() + request.wait;
  for (;;) {
    try {
      return await takeEach(leases, locks, request, leaseMs, until);
    } catch (error) {
      if (!(error instanceof LockLostError)) throw error;
      // A lock was lost while waiting for a later one. All are needed together, so start again.
      if (monotonic() < until) continue;
      const what = 'it was lost while the call waited for the other locks, and the time to wait is over.';
      throw new LockUnavailableError(what, error.lockName, { cause: error, retryable: true, outcomeUnknown: false });
    }
  }
}

/** @throws LockLostError if a lock was lost before all were acquired */
async function takeEach(
  leases: Leases,
  locks: readonly LockToTake[],
  request: LeaseRequest,
  leaseMs: number,
  until: number,
): Promise<MultiLease> {
  const taken: Lease[] = [];
  // Until all locks are acquired, the first ones are renewed and may be released at once. A fixed lease and
  // `holdAtLeast` begin when all are acquired.
  const alone = request.renewMs === undefined;
  const part: LeaseRequest = { ...request, leaseMs, renewMs: leaseMs, holdAtLeast: 0, alone };
  try {
    for (const { name, mode, label = request.label } of locks) {
      const wait = Math.max(0, until - monotonic());
      taken.push(await leases.take(name, { ...part, wait, mode, label }));
    }
    const lease = MultiLease.of(taken);
    await Promise.all(taken.map((each) => each.begin(request)));
    lease.assertHeld();
    return lease;
  } catch (error) {
    await Promise.all(taken.map((lease) => lease.release()));
    throw error;
  }
}
