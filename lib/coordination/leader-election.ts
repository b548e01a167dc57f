import { LockAbortedError, LockBusyError, LockConfigError, LockNameError, LockShutdownError } from '../errors/index.js';
import type { FencingToken } from '../fencing-token.js';
import type { Lease } from '../leases/lease.js';
import type { LockService } from '../lock.service.js';
import { checkLockName } from '../naming/lock-name.js';
import { show } from '../options/checks.js';
import type { WarnAfter } from '../options/warn-after.js';
import { campaignWarning, termFailedWarning, termReturnedWarning } from '../telemetry/warnings.js';
import { onAbort } from '../time/on-abort.js';
import { sleep } from '../time/timer.js';
import {
  checkElectionOptions,
  checkLeadOptions,
  type LeaderElectionOptions,
  type LeadOptions,
} from './leader-election-options.js';
import { Term, type TermCode, type TermEnd } from './term.js';
import { TermRecord } from './term-record.js';

/**
 * The leader of an election.
 *
 * @publicApi
 */
export interface Leader {
  /** The fencing token of its term. */
  readonly token: FencingToken | undefined;
  /** Its host name and process id; `undefined` if they are not recorded: over a quorum, or for a moment after an election. */
  readonly where: string | undefined;
  /** When its term began, by the clock of Redis; `undefined` together with `where`. */
  readonly since: Date | undefined;
}

const FIRST_PAUSE_MS = 100;
const MAX_PAUSE_MS = 30_000;
/** How often `leader` looks again for the record of a term, which follows the election, and how long it waits, in ms. */
const LOOKS = 3;
const LOOK_PAUSE_MS = 50;
/** A term whose code returns sooner is taken for a mistake, in ms. */
const SHORT_TERM_MS = 1_000;

/** A term lasts as long as its process, and the other candidates wait meanwhile. */
const NEVER: WarnAfter = { held: Infinity, waited: Infinity };

/** The elections that a service takes part in now. */
const campaigns = new WeakMap<LockService, Set<string>>();

/**
 * One leader among all processes that campaign under one name: the process that has the lock of this name. Each process
 * campaigns with `lead`.
 *
 * @publicApi
 */
export class LeaderElection {
  private readonly options: LeaderElectionOptions;
  private readonly record: TermRecord | undefined;
  private term: Term | null = null;

  /** @throws LockNameError, LockConfigError if the name or an option is not valid */
  constructor(
    private readonly locks: LockService,
    /** The name of the election, and of its lock. */
    readonly name: string,
    options: LeaderElectionOptions = {},
  ) {
    checkLockName(name);
    this.options = checkElectionOptions(options);
    locks.checkOptions(this.options);
    this.record = locks.firings === undefined ? undefined : new TermRecord(locks.firings, name);
  }

  /** Whether this process is the leader now. `false` as soon as its lease is in doubt, or the leader resigns. */
  get isLeader(): boolean {
    return this.term?.leads === true;
  }

  /**
   * Waits to become the leader, then runs `code` under a lease that is renewed: a term. When the term is over, it waits
   * to become the leader again. Resolves when `signal` aborts or the service shuts down, and `code` has ended.
   *
   * - The term's `signal` aborts when its lease is in doubt, before another process can become the leader by the clock
   *   of this process; and when the leader resigns, since `signal` aborts or the service shuts down. The lock is released
   *   when `code` has ended. Code that still runs a second later is reported; no new term begins in this process before
   *   it has ended.
   * - If `code` returns, the leader resigns, and campaigns again after a pause. If it fails, its error is written to the
   *   service's logger, too. The pause grows from 100 ms to 30 s while terms are shorter than that.
   * - While Redis cannot be reached, it keeps trying.
   *
   * Send the term's `token` with each write that a former leader must not repeat.
   *
   * @throws LockConfigError if an option is not valid, or if this service already campaigns under this name
   * @throws LockBusyError if it is called from a section of the same lock
   */
  async lead(code: (term: Lease) => unknown, options: LeadOptions = {}): Promise<void> {
    if (typeof code !== 'function') throw new LockConfigError(`"lead" needs a function, but got ${show(code)}.`);
    const { signal } = checkLeadOptions(options);
    const leave = enter(this.locks, this.name);
    const stop = new AbortController();
    const onStop = (reason: unknown): void => {
      const known = reason instanceof LockShutdownError;
      stop.abort(known ? reason : new LockAbortedError(this.name, reason, 'Leading under'));
    };
    const unlink = [onAbort(this.locks.refusing, onStop), onAbort(signal, onStop)];
    try {
      await this.campaign(code, stop.signal);
    } finally {
      for (const each of unlink) each();
      leave();
    }
  }

  /**
   * Who leads now; `null` if no process does. It may have changed by the time the result is read.
   *
   * @throws LockUnavailableError
   */
  async leader(): Promise<Leader | null> {
    for (let look = 1; ; look += 1) {
      const { held, owner, token } = await this.locks.inspect(this.name);
      if (!held || owner === undefined) return null;
      const recorded = await this.record?.of(owner);
      if (recorded !== undefined) return recorded;
      if (this.record === undefined || look === LOOKS) return { token, where: undefined, since: undefined };
      await sleep(LOOK_PAUSE_MS);
    }
  }

  private async campaign(code: TermCode, stop: AbortSignal): Promise<void> {
    let pauseMs = FIRST_PAUSE_MS;
    let advised = false;
    const stopped = (): boolean => stop.aborted;
    while (!stopped()) {
      try {
        const end = await this.oneTerm(code, stop);
        if (end.reason === 'lost' || end.ledMs >= MAX_PAUSE_MS) pauseMs = FIRST_PAUSE_MS;
        if (end.reason === 'lost') continue;
        if (end.reason === 'failed') this.warn(termFailedWarning(this.name, end.failure?.error, pauseMs));
        if (end.reason === 'returned' && end.ledMs < SHORT_TERM_MS && !advised) {
          advised = true;
          this.warn(termReturnedWarning(this.name, end.ledMs));
        }
      } catch (error) {
        if (stopped()) return;
        if (isMistake(error)) throw error;
        this.warn(campaignWarning(this.name, error, pauseMs));
      }
      await sleep(pauseMs, stop);
      pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS);
    }
  }

  private oneTerm(code: TermCode, stop: AbortSignal): Promise<TermEnd> {
    const section = async (lease: Lease): Promise<TermEnd> => {
      // It may have been granted in the same moment.
      if (stop.aborted) return { reason: 'resigned', ledMs: 0, failure: null };
      this.term = new Term(lease, this.locks.reporter, this.options.label);
      try {
        return await this.term.run(code, stop, this.record);
      } finally {
        this.term = null;
      }
    };
    const options = {
      ...this.options,
      wait: Infinity,
      renew: true,
      nested: 'refuse',
      signal: stop,
      warnAfter: NEVER,
    } as const;
    return this.locks.withLock(this.name, section, options);
  }

  private warn(message: string): void {
    this.locks.reporter.warn('term', message);
  }
}

/** Returns a function that leaves the election. */
function enter(locks: LockService, name: string): () => void {
  const names = campaigns.get(locks) ?? new Set();
  campaigns.set(locks, names);
  if (names.has(name)) {
    throw new LockConfigError(
      `This process already campaigns as leader ${show(name)}: only one of the two would ever lead. Use another name.`,
      name,
    );
  }
  names.add(name);
  return () => names.delete(name);
}

/** An error that another attempt would repeat. */
function isMistake(error: unknown): boolean {
  if (error instanceof LockConfigError || error instanceof LockNameError) return true;
  return error instanceof LockBusyError && error.reason === 'nested';
}
