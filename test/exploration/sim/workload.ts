import type { LockMode } from '../../../lib/stores/lock-state.js';
import type { SimProcess } from './kernel/sim-process.js';
import { isReadWrite, type Kind } from './kind.js';
import type { World } from './kernel/world.js';
import type { LatchCalls } from './latch-calls.js';
import type { Lease, LockService, MultiLease } from './library/types.js';
import type { Oracle, Section } from './oracle.js';
import type { Refusals } from './refusals.js';
import { LEASE_MS, type Call } from './schedule.js';

/** How much longer than `wait` a caller may have to wait: for a request under way, and for locks to be given back. */
const SLACK_MS = 350;
/** Over several nodes a call that does not wait goes on until it is clear who has the lock, in ms. */
const UNDECIDED_MS = 1_500;
/** Without a reason of its own every abort would make an error with a stack. */
const GIVEN_UP = 'given up';
/** The way from a process to the resource that a lock guards, in µs. */
const WRITE_US = 3_000;

const NAMES: Readonly<Record<Call['names'], readonly string[]>> = { a: ['a'], b: ['b'], both: ['a', 'b'] };

/** The callers of one process. */
export class Callers {
  /** Who has asked and has no answer yet. */
  readonly open = new Set<string>();
  readonly outcomes = new Map<string, number>();

  constructor(
    private readonly world: World,
    private readonly process: SimProcess,
    private readonly service: LockService,
    private readonly oracle: Oracle,
    private readonly refusals: Refusals,
    private readonly severalNodes: boolean,
    private readonly kind: Kind,
    private readonly latches: LatchCalls | null,
  ) {}

  start(call: Call): void {
    for (let i = 0; i < call.callers; i += 1) {
      const caller = `p${this.process.id}.${(this.process.callers += 1)}`;
      this.open.add(caller);
      const ended = this.refusals.begin(caller, this.namesOf(call), call);
      this.run(caller, call).then(
        () => {
          ended('served');
          this.end(caller, 'served');
        },
        (error: unknown) => {
          ended(codeOf(error) ?? 'defect');
          this.onError(caller, error);
        },
      );
    }
  }

  private async run(caller: string, call: Call): Promise<void> {
    const names = this.namesOf(call);
    const { permits } = this.kind;
    const abort = call.abort === null ? null : new AbortController();
    if (abort !== null) this.process.setTimeout(() => abort.abort(GIVEN_UP), call.abort!);
    const options = {
      wait: call.wait === 'ever' ? Infinity : call.wait,
      ...(call.lease === 'renew' ? {} : { lease: call.lease, renew: false }),
      holdAtLeast: call.lease === 'renew' ? call.holdAtLeast : 0,
      ...(abort === null ? {} : { signal: abort.signal }),
      ...this.modeOf(call),
    };
    if (this.world.traced) this.world.log(`${caller} wants ${names.join('+')}`);
    const since = this.process.mono();
    const began = this.world.now;
    const answered = (): void => this.checkWait(caller, call, since);
    const { latches } = this;
    if (latches !== null) {
      const { wait, signal } = options;
      const used = names.map((name) => latches.run(caller, name, call, { wait, ...(signal && { signal }) }));
      await Promise.all(used).finally(() => {
        if (call.latch === 'wait') answered();
      });
      return;
    }
    if (call.nested && names.length === 1) {
      const [name] = names as [string];
      const withLock = (section: (lease: Lease) => Promise<void>, given: object): Promise<void> =>
        permits === null
          ? this.service.withLock(name, section, { ...given, ...this.modeOf(call) })
          : this.service.semaphore(name, { permits }).withPermit(section, { ...given, ...this.takeOf(call) });
      const locked = withLock(async (outer) => {
        answered();
        this.checkLease(caller, call, outer);
        // Joins the lease, or takes the lock anew should it be over already.
        await withLock((lease) => this.section(caller, call, lease, began), { wait: 0 });
      }, options);
      await locked.catch((error: unknown) => {
        answered();
        throw error;
      });
      return;
    }
    let lease: Lease | MultiLease;
    try {
      if (permits !== null) {
        const semaphore = this.service.semaphore(names[0]!, { permits });
        lease = await semaphore.acquire({ ...options, ...this.takeOf(call) });
      } else
        lease =
          names.length === 1
            ? await this.service.acquire(names[0]!, options)
            : await this.service.acquire(names, options);
    } finally {
      answered();
    }
    this.checkLease(caller, call, lease);
    await this.section(caller, call, lease, began);
    await lease.release();
  }

  /** Of a semaphore, "both" are two permits. */
  private namesOf({ names }: Call): readonly string[] {
    return this.kind.permits !== null && names === 'both' ? NAMES.a : NAMES[names];
  }

  private takeOf({ names }: Call): { take?: number } {
    return names === 'both' ? { take: Math.min(2, this.kind.permits ?? 1) } : {};
  }

  private modeOf({ mode }: Call): { mode?: LockMode } {
    if (this.kind.mode === 'fair') return { mode: mode ?? 'fair' };
    return isReadWrite(this.kind) ? { mode: mode ?? 'write' } : {};
  }

  private async section(caller: string, call: Call, lease: Lease | MultiLease, began: number): Promise<void> {
    const { process, oracle } = this;
    const sections = leasesOf(lease).map((one): Section => ({
      caller,
      process,
      name: one.name,
      lease: one,
      hold: holdOf(one),
      token: one.token,
      began,
      signal: one.signal,
      confirmedAt: -Infinity,
    }));
    for (const section of sections) oracle.enter(section);
    try {
      this.write(sections);
      await this.sleep(call.section / 2);
      if (call.extend !== null) {
        await this.extend(lease, sections, call.extend);
        if (call.again !== null) {
          await this.sleep(call.section / 8);
          await this.extend(lease, sections, call.again);
        }
      }
      this.write(sections);
      await this.sleep(call.section / 2);
      // A section that was told its lock is lost and writes all the same: the token has to save the data.
      this.write(sections);
    } finally {
      for (const section of sections) {
        if (section.signal.aborted) oracle.counts.lost += 1;
        oracle.leave(section);
      }
    }
  }

  private async extend(lease: Lease | MultiLease, sections: readonly Section[], ms: number): Promise<void> {
    for (const { name, hold } of sections) if (hold.leaseMs > ms) this.oracle.shortened(name, hold.leaseMs);
    try {
      await lease.extend(ms);
    } catch (error) {
      if (codeOf(error) === undefined) throw error;
    }
  }

  private write(sections: readonly Section[]): void {
    for (const section of sections) {
      const us = this.process.random.int(100, WRITE_US);
      this.world.after(us, () => this.oracle.write(section));
    }
  }

  private sleep(ms: number): Promise<void> {
    if (ms === 0) return Promise.resolve();
    return new Promise((resolve) => void this.process.setTimeout(resolve, ms));
  }

  private checkWait(caller: string, { wait, abort }: Call, since: number): void {
    const undecided = wait === 0 && this.severalNodes ? UNDECIDED_MS : 0;
    const most = Math.min(wait === 'ever' ? Infinity : wait + undecided, abort ?? Infinity);
    const allowed = most + SLACK_MS;
    const waited = this.process.mono() - since;
    // While a process stands still nobody in it can be answered.
    if (waited > allowed && this.process.resumedAt === 0) {
      this.oracle.violate(`${caller} was answered after ${waited.toFixed(0)} ms, ${allowed} at most were allowed`);
    }
  }

  /** Whoever had the lock before may have asked for another lease. */
  private checkLease(caller: string, call: Call, lease: Lease | MultiLease): void {
    const wanted = call.lease === 'renew' ? LEASE_MS : call.lease;
    for (const one of leasesOf(lease)) {
      const { leaseMs, mode } = holdOf(one);
      // Those that read together share a lease, which one of them may have extended.
      const shared = mode === 'read' && call.lease === 'renew';
      if (leaseMs === wanted || shared) continue;
      this.oracle.violate(`${caller} got "${one.name}" for ${leaseMs} ms, it had asked for ${wanted}`);
    }
  }

  private onError(caller: string, error: unknown): void {
    const code = codeOf(error);
    if (code === undefined)
      this.oracle.violate(`${caller} got ${String(error instanceof Error ? error.stack : error)}`);
    this.end(caller, code ?? 'defect');
  }

  private end(caller: string, outcome: string): void {
    if (this.world.traced) this.world.log(`${caller}: ${outcome}`);
    this.open.delete(caller);
    this.outcomes.set(outcome, (this.outcomes.get(outcome) ?? 0) + 1);
  }
}

function leasesOf(lease: Lease | MultiLease): readonly Lease[] {
  return 'leases' in lease ? lease.leases : [lease];
}

function holdOf(lease: Lease): Section['hold'] {
  return (Reflect.get(lease, 'callerHold') as { hold: Section['hold'] }).hold;
}

/** What may come of a call that is right in itself. */
const EXPECTED = ['LOCK_BUSY', 'LOCK_LOST', 'LOCK_ABORTED', 'LOCK_UNAVAILABLE'];

/** The code of an error that a caller has to reckon with. */
function codeOf(error: unknown): string | undefined {
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
  return typeof code === 'string' && EXPECTED.includes(code) ? code : undefined;
}
