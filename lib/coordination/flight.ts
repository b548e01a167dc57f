import { inServiceContext } from '../context/service-context.js';
import { LockBusyError } from '../errors/index.js';
import type { FencingToken } from '../fencing-token.js';
import type { Lease } from '../leases/lease.js';
import { monotonic, wall } from '../time/clock.js';
import { sleep } from '../time/timer.js';
import type { CacheEntry } from './cache-entries.js';
import { ComputedValue, type Computation, type FlightContext } from './computation.js';
import type { FlightCaller, Outcome } from './flight-caller.js';

/**
 * How long a flight pauses before it looks for the value again: a share of the time it has waited, within limits in ms, and
 * longer if this process waits for many values. With 100 processes that wait for a computation of 1 s, the last of them had
 * the value after 1.1 s, and after 2.7 s if each of them had to get the lock.
 */
const SHARE_OF_WAIT = 0.05;
const MIN_PAUSE_MS = 10;
const MAX_PAUSE_MS = 500;
const PAUSE_PER_FLIGHT_MS = 5;

/**
 * The wait of all callers of this process for one value: for the lock, and for the value that another process computes.
 *
 * It serves a value only to callers that joined before it was read, so a call never gets a value that was invalidated
 * before the call.
 */
export class Flight {
  private readonly callers = new Set<FlightCaller>();
  /** Whose function runs. */
  private computing: FlightCaller | undefined;
  private reads = 0;
  private holdsLock = false;
  private readonly ended = new AbortController();

  /**
   * @param seen the token of the entry that was too old, or 0; entries with larger ones are new enough
   * @param onEnd called when callers can no longer join
   */
  constructor(
    private readonly key: string,
    private readonly seen: FencingToken,
    private readonly context: FlightContext,
    private readonly onEnd: () => void,
  ) {}

  /** Runs in the async context of the first caller: inside a section, locks are granted even during a shutdown. */
  start({ lease, renew, wait, label }: Computation['options']): void {
    const acquiring = this.context.locks.acquire(this.key, {
      wait: wait === 0 ? 0 : Infinity,
      signal: this.ended.signal,
      nested: 'refuse',
      lease,
      renew,
      label,
    });
    inServiceContext(() => {
      void this.run(acquiring);
      void this.watch();
    });
  }

  join(caller: FlightCaller): void {
    caller.since = this.reads;
    this.callers.add(caller);
  }

  runs(caller: FlightCaller): boolean {
    return this.computing === caller;
  }

  /** The caller waits no longer. A flight without callers ends, unless it computes. */
  leave(caller: FlightCaller): void {
    this.settle(caller, 'again');
    if (this.callers.size === 0 && this.computing === undefined) this.end('again');
  }

  private async run(acquiring: Promise<Lease>): Promise<void> {
    let lease: Lease;
    try {
      lease = await acquiring;
    } catch (error) {
      // Only a flight that was begun with "wait: 0" is busy; others may have joined it.
      this.end(error instanceof LockBusyError ? 'again' : { refusal: error });
      return;
    }
    this.holdsLock = true;
    try {
      if (!this.ended.signal.aborted) await this.underLock(lease);
    } finally {
      await lease.release();
    }
  }

  /** Looks for the value of another process, so that processes that wait do not have to get the lock one by one. */
  private async watch(): Promise<void> {
    const { signal } = this.ended;
    const began = monotonic();
    for (;;) {
      const shareMs = Math.min(SHARE_OF_WAIT * (monotonic() - began), MAX_PAUSE_MS);
      await sleep(Math.max(shareMs, MIN_PAUSE_MS, PAUSE_PER_FLIGHT_MS * this.context.flights.size), signal);
      if (signal.aborted || this.holdsLock) return;
      await this.look();
    }
  }

  private async look(): Promise<void> {
    const asOf = (this.reads += 1);
    const entry = await this.context.entries.read(this.key);
    if (!this.holdsLock && this.isNews(entry)) this.end({ value: entry.value }, asOf);
  }

  private async underLock(lease: Lease): Promise<void> {
    const asOf = (this.reads += 1);
    const before = await this.context.entries.readState(this.key);
    const entry = before?.entry;
    if (this.isNews(entry)) {
      this.end({ value: entry.value }, asOf);
      return;
    }
    const [caller] = this.callers;
    if (caller === undefined || lease.signal.aborted) {
      this.end('again');
      return;
    }
    this.computing = caller;
    // The others wait for the next holder.
    lease.signal.addEventListener('abort', () => {
      this.end('again');
    });
    try {
      const computed = await ComputedValue.compute(this.key, lease, caller, this.context.locks);
      const outcome = { value: computed.value };
      // Whether it was invalidated matters only to callers that came later.
      for (const each of this.callers) if (each !== caller && each.since < asOf) this.settle(each, outcome);
      const valid = await computed.store(this.context.entries, before);
      caller.settle(outcome);
      this.end(outcome, valid ? Infinity : asOf);
    } catch (failure) {
      caller.settle({ failure });
      this.end({ failure });
    }
  }

  /** An entry that was written after the first caller came is new enough, whatever the clocks of the processes say. */
  private isNews(entry: CacheEntry | undefined): entry is CacheEntry {
    return entry !== undefined && (entry.token > this.seen || wall() < entry.freshUntil);
  }

  /** @param asOf the read that decided about the outcome: it is no answer to callers that joined later */
  private end(outcome: Outcome, asOf = Infinity): void {
    if (this.ended.signal.aborted) return;
    this.onEnd();
    this.ended.abort();
    for (const caller of this.callers) {
      if (caller !== this.computing) this.settle(caller, asOf > caller.since ? outcome : 'again');
    }
  }

  private settle(caller: FlightCaller, outcome: Outcome): void {
    this.callers.delete(caller);
    caller.settle(outcome);
  }
}
