import { randomUUID } from 'node:crypto';
import { LockBusyError, LockConfigError, LockShutdownError, LockUnavailableError } from '../errors/index.js';
import type { FencingToken } from '../fencing-token.js';
import type { Lease } from '../leases/lease.js';
import type { LockService } from '../lock.service.js';
import { checkLockName } from '../naming/lock-name.js';
import type { FiringRecord, FiringState, FiringStore } from '../stores/firing-store.js';
import { channels } from '../telemetry/channels.js';
import type { SkippedMessage } from '../telemetry/messages.js';
import { monotonic } from '../time/clock.js';
import { sleep } from '../time/timer.js';
import { WHERE } from './where.js';
import { checkRunOnceOptions, type CheckedRunOnceOptions, type RunOnceOptions } from './run-once-options.js';

/**
 * Why a call did not run its job: `ran`: another call of the same firing did or does; `running`: the run of an earlier
 * firing has not ended.
 *
 * @publicApi
 */
export type RunOnceSkip = 'ran' | 'running';

/** @publicApi */
export type RunOnceResult<T> =
  { readonly ran: true; readonly value: T } | { readonly ran: false; readonly reason: RunOnceSkip };

/**
 * The last firing of a job.
 *
 * @publicApi
 */
export interface LastRun {
  /** When the firing began, by the clock of Redis. */
  readonly firedAt: Date;
  /** When its last attempt began. */
  readonly startedAt: Date;
  /** When its last attempt ended; `undefined` while it runs, or if its process died. */
  readonly endedAt: Date | undefined;
  readonly outcome: 'running' | 'done' | 'failed';
  /** The number of the last attempt, from 1. */
  readonly attempt: number;
  /** The fencing token of the last attempt. */
  readonly token: FencingToken;
  /** Host name and process id of the last attempt. */
  readonly where: string;
}

const FIRST_PAUSE_MS = 50;
const MAX_PAUSE_MS = 1_000;
/** How often a call looks again if the lock is taken without a record of its run, before it waits for the lock. */
const MAX_LOOKS = 5;

/**
 * Runs a job that every replica calls at about the same time on one of them. The other calls do not run it, and resolve
 * with the reason. The run has a lock of the job's name, with a lease, a signal and a token like any section.
 *
 * If Redis cannot be reached, the call tries again for as long as `window`. A job never runs without its lock.
 *
 * @throws LockConfigError if an option is not valid, or over a quorum
 * @throws LockUnavailableError if Redis could not be reached during the whole `window`
 * @throws LockLostError if the lock was lost before the job began; as after the death of a process, only `takeOver` repeats it
 * @throws the error of `job`, after the last attempt
 * @publicApi
 */
export async function runOnce<T>(
  locks: LockService,
  name: string,
  job: (lease: Lease) => T | PromiseLike<T>,
  options: RunOnceOptions,
): Promise<RunOnceResult<T>> {
  checkLockName(name);
  const call = new RunOnceCall(locks, name, job, checkRunOnceOptions(options), firingsOf(locks));
  const result = await call.run();
  if (!result.ran) {
    locks.skips[result.reason] += 1;
    const { label } = options;
    const message: SkippedMessage = { name, label, mode: 'exclusive', reason: result.reason };
    channels.skipped.publish(message);
  }
  return result;
}

/**
 * The last firing of a job that runs once; `null` if none is known. Records are kept for 30 days.
 *
 * @throws LockConfigError over a quorum
 * @throws LockUnavailableError
 * @publicApi
 */
export async function lastRun(locks: LockService, name: string): Promise<LastRun | null> {
  checkLockName(name);
  const record = await firingsOf(locks).read(name);
  if (record === null) return null;
  const { firedAt, startedAt, endedAt, state, attempt, token, where } = record;
  return {
    firedAt: new Date(firedAt),
    startedAt: new Date(startedAt),
    endedAt: endedAt === undefined ? undefined : new Date(endedAt),
    outcome: state,
    attempt,
    token,
    where,
  };
}

/** @internal @throws LockConfigError over a quorum. A test may replace the service by an object without firings. */
export function checkFirings(locks: LockService): void {
  if ('firings' in (locks as object)) firingsOf(locks);
}

function firingsOf({ firings }: LockService): FiringStore {
  if (firings !== undefined) return firings;
  throw new LockConfigError(
    'Jobs cannot run once over a quorum: its nodes have no common clock and no common record of a firing. Use a ' +
      'connection to one Redis, Sentinel or a Cluster.',
  );
}

/** One call of `runOnce`. */
class RunOnceCall<T> {
  /** Identifies this call's next attempt. */
  private attempt = randomUUID();
  /** The firing that this call has begun or waits for. */
  private firing: number | undefined;
  /** The error of this call's last attempt. */
  private failure: { readonly error: unknown } | null = null;
  private readonly giveUpAt: number;
  /** How often the lock was taken by a caller that had not recorded its run. */
  private looks = 0;

  constructor(
    private readonly locks: LockService,
    private readonly name: string,
    private readonly job: (lease: Lease) => T | PromiseLike<T>,
    private readonly options: CheckedRunOnceOptions,
    private readonly firings: FiringStore,
  ) {
    this.giveUpAt = monotonic() + options.window;
  }

  async run(): Promise<RunOnceResult<T>> {
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS)) {
      try {
        const result = await this.tryOnce();
        if (result !== null) return result;
      } catch (error) {
        // The job may fail with an error of another lock.
        if (this.failure?.error === error) throw error;
        if (this.failure !== null && error instanceof LockShutdownError) throw this.failure.error;
        if (this.firing !== undefined && error instanceof LockShutdownError) return { ran: false, reason: 'running' };
        if (this.locks.closing.aborted) throw error;
        if (!(error instanceof LockUnavailableError) || !error.retryable || monotonic() >= this.giveUpAt) throw error;
        await sleep(pauseMs, this.locks.closing);
      }
    }
  }

  /** Resolves with `null` if the call has to look again. */
  private async tryOnce(): Promise<RunOnceResult<T> | null> {
    const record = await this.firings.read(this.name);
    if (this.isOver(record)) return this.ranElsewhere(record);
    try {
      return await this.underLock();
    } catch (error) {
      if (!(error instanceof LockBusyError) || error.lockName !== this.name) throw error;
      return this.onBusy(await this.firings.read(this.name));
    }
  }

  private async onBusy(record: FiringRecord | null): Promise<RunOnceResult<T> | null> {
    if (this.isOver(record)) return this.ranElsewhere(record);
    if (record !== null && this.isSameFiring(record)) {
      this.firing = record.firedAt;
      return null;
    }
    // The holder is about to record its beginning, or has just recorded its end; or it died in between.
    this.looks += 1;
    if (record?.state === 'running' || this.looks > MAX_LOOKS + 1) return { ran: false, reason: 'running' };
    if (this.looks <= MAX_LOOKS) await sleep(FIRST_PAUSE_MS * this.looks, this.locks.closing);
    return null;
  }

  /** Runs the job under its lock, unless its firing needs no attempt any more. */
  private async underLock(): Promise<RunOnceResult<T> | null> {
    const { lease, label } = this.options;
    const outcome = await this.locks.withLock(this.name, (held) => this.runUnder(held), {
      wait: this.patience(),
      nested: 'refuse',
      renew: true,
      // A job may take long, and the other replicas may wait to take it over.
      warnAfter: { held: Infinity, waited: Infinity },
      ...(lease === undefined ? {} : { lease }),
      ...(label === undefined ? {} : { label }),
    });
    // Refused under the lock, so that no other attempt runs: the firing is over.
    if (outcome === null) return this.ranElsewhere(await this.firings.read(this.name));
    if ('value' in outcome) return { ran: true, value: outcome.value };
    this.failure = outcome;
    const record = await this.firings.read(this.name);
    if (record === null || this.isOver(record)) throw outcome.error;
    // Other replicas that wait for this firing come first.
    await sleep(MAX_PAUSE_MS, this.locks.closing);
    return null;
  }

  /** How long to wait for the lock, in ms. */
  private patience(): number {
    if (this.firing !== undefined) return Infinity;
    return this.looks <= MAX_LOOKS ? 0 : Math.max(0, Math.round(this.giveUpAt - monotonic()));
  }

  private async runUnder(held: Lease): Promise<{ value: T } | { error: unknown } | null> {
    const { attempt: run, firing, name, firings } = this;
    const { window, takeOver, retry } = this.options;
    const request = { run, window, firing, takeOver, retry, token: held.token, where: WHERE };
    // The process may have been stopped for longer than its lease.
    held.assertHeld();
    const firedAt = await firings.begin(name, request);
    if (firedAt === null) return null;
    held.assertHeld();
    this.firing = firedAt;
    this.attempt = randomUUID();
    let outcome: { value: T } | { error: unknown };
    try {
      outcome = { value: await this.job(held) };
    } catch (error) {
      outcome = { error };
    }
    await this.end(held, run, 'value' in outcome ? 'done' : 'failed');
    return outcome;
  }

  /** Records the end of a run, before the lock is released: otherwise another replica could take the run over. */
  private async end(held: Lease, run: string, state: FiringState): Promise<void> {
    for (let pauseMs = FIRST_PAUSE_MS; !held.signal.aborted; pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS)) {
      try {
        await this.firings.end(this.name, run, state);
        return;
      } catch (error) {
        if (!(error instanceof LockUnavailableError) || !error.retryable) return;
        await sleep(pauseMs, held.signal);
      }
    }
  }

  private isSameFiring({ firedAt, ageMs }: FiringRecord): boolean {
    return this.firing === undefined ? Math.abs(ageMs) < this.options.window : firedAt === this.firing;
  }

  /** Whether the firing of this call needs no attempt any more. */
  private isOver(record: FiringRecord | null): boolean {
    // The reply to the own beginning may have been lost.
    if (record === null || record.run === this.attempt) return false;
    // There was a newer firing since.
    if (!this.isSameFiring(record)) return this.firing !== undefined;
    const { takeOver, retry } = this.options;
    const mayRetry = record.attempt <= retry;
    // A call whose own attempt has failed waits for the outcome of the last one.
    if (record.state === 'running') return this.failure === null && !takeOver && !mayRetry;
    return record.state === 'done' || !mayRetry;
  }

  private ranElsewhere(record: FiringRecord | null): RunOnceResult<T> {
    if (this.failure !== null && record?.state !== 'done') throw this.failure.error;
    return { ran: false, reason: 'ran' };
  }
}
