import type { LockLostReason } from '../errors/index.js';
import { HolderRegistry } from '../holders/holder-registry.js';
import { LockService } from '../lock.service.js';
import { checkLockName } from '../naming/lock-name.js';
import { checkWhole, MAX_MS } from '../options/checks.js';
import type { ResolvedSettings } from '../options/service-options.js';
import { MemoryStore } from '../stores/memory/memory-store.js';
import type { MemoryState } from '../stores/memory/memory-state.js';
import { Reporter } from '../telemetry/reporter.js';
import { Faults } from './faults.js';
import { passTime } from './pass-time.js';

/** The longest wait that passes at once, in ms. */
const MAX_PASSED_MS = 300_000;

/** @internal What a test lock service is created from. */
export interface TestStore {
  readonly state: MemoryState;
  /** Properties of the store that differ from those of the memory store. */
  readonly overrides?: object;
}

/**
 * How long a fault lasts.
 *
 * @publicApi
 */
export interface FaultOptions {
  /**
   * How many callers it affects; callers that wait for a lock together count as one. Default: every caller, until
   * `reset()`.
   */
  readonly times?: number;
}

/**
 * A lock service for tests. It needs no Redis: its locks are in this process's memory. Everything else, from the queue of
 * the waiters to the renewal of the leases, is that of a `LockService`.
 *
 * Its methods make locks busy, lost or unavailable. They stand in for the replies of Redis, and let time pass at once for
 * all lock services of this process, independently of fake timers. `createTestLockService` and `overrideLocks` create it.
 *
 * @publicApi
 */
export class TestLockService extends LockService {
  private readonly faults: Faults;

  /** @internal */
  constructor(
    private readonly testStore: TestStore,
    private readonly testSettings: ResolvedSettings,
  ) {
    const faults = new Faults();
    const { state, overrides } = testStore;
    const store = faults.wrap(new MemoryStore(state, testSettings.keyPrefix), overrides);
    const { service, logger } = testSettings;
    const reporter = new Reporter(logger);
    const holders = service === false ? undefined : new HolderRegistry(store.holders, {}, service, reporter);
    super(store, testSettings, reporter, holders);
    void holders?.register();
    this.faults = faults;
    faults.onFirstReply = (name) => void passTime(MAX_PASSED_MS, () => !this.isAwaited(name));
  }

  /**
   * Makes a lock, a semaphore or a latch busy, as if another process held it. Callers get `LockBusyError`, or what `onBusy`
   * says. Their `wait` passes at once, if it is not longer than 5 minutes. A lock that is held stays with its holder.
   *
   * @throws LockNameError if the name is not valid
   */
  makeBusy(name: string, { times = Infinity }: FaultOptions = {}): void {
    checkLockName(name);
    this.faults.add('busy', checkTimes(times), name);
  }

  /**
   * Makes Redis unavailable. Callers get `LockUnavailableError`; their `wait` passes at once, if it is not longer than 5
   * minutes. Without `times`, other requests fail, too: leases are not renewed, and are lost when they end.
   */
  makeUnavailable({ times = Infinity }: FaultOptions = {}): void {
    this.faults.add('unavailable', checkTimes(times));
  }

  /** Ends what `makeBusy`, `makeUnavailable` and `loseLock` have begun. Leases that are lost stay lost. */
  reset(): void {
    this.faults.clear();
  }

  /**
   * Makes the holder of a lock, or of permits, in this service lose it: the signal of its lease aborts with
   * `LockLostError`. Lets the time pass that this takes, which is at most the rest of the lease.
   *
   * @param reason `'taken'`, the default: Redis no longer has the lock. Leases with `renew: false` learn of that only when
   *   they end, with the reason `'expired'`. `'expired'`: the lease is not renewed, and ends
   * @throws LockConfigError if no caller of this service holds the lock
   */
  async loseLock(name: string, reason: Exclude<LockLostReason, 'released'> = 'taken'): Promise<void> {
    // Callers that are about to get it come first.
    await passTime(0);
    const { ms, isOver } = await this.faults.takeAway(name, reason);
    await passTime(ms, isOver);
  }

  /**
   * Lets time pass at once, for all lock services of this process: waits end, leases are renewed or end, in the order of
   * their times. It does not change the timers and the clock of your code, and works with and without fake timers.
   *
   * @param ms how much, in ms
   */
  async advanceTime(ms: number): Promise<void> {
    await passTime(checkWhole('ms', ms, 0, MAX_MS));
  }

  /**
   * Creates another service with the same locks, like another replica of your app: what it holds is busy here. Close it
   * like any service.
   */
  replica(): TestLockService {
    return new TestLockService(this.testStore, this.testSettings);
  }

  override close(): Promise<void> {
    this.reset();
    return super.close();
  }

  private isAwaited(name: string): boolean {
    return this.waiting().some((queue) => queue.name === name);
  }
}

function checkTimes(times: number): number {
  return times === Infinity ? times : checkWhole('times', times, 1, MAX_MS);
}
