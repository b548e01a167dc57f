import { inspect, type InspectOptions } from 'node:util';
import type { ReleaseOutcome } from '../holds/release-outcome.js';
import type { FencingToken } from '../fencing-token.js';
import { onAbort } from '../time/on-abort.js';
import type { Lease } from './lease.js';
import type { LeaseSummary } from './lease-summary.js';

/**
 * Several locks that are held together. They have no common fencing token: send each resource the token of its own
 * lock.
 *
 * @publicApi
 */
export class MultiLease implements AsyncDisposable {
  private anyLost: AbortController | null = null;
  private readonly unlink: (() => void)[] = [];

  private constructor(
    /** The leases, sorted by name. */
    readonly leases: readonly Lease[],
  ) {}

  /** @internal */
  static of(leases: readonly Lease[]): MultiLease {
    return new MultiLease(leases);
  }

  /** Aborts when the first of the locks is lost. */
  get signal(): AbortSignal {
    this.anyLost ??= this.watch();
    return this.anyLost.signal;
  }

  /** The locks' names, sorted, each once. */
  get names(): readonly string[] {
    return this.leases.map(({ name }) => name);
  }

  /** The fencing token of one of the locks; `undefined` for a name that is not among them. */
  tokenOf(name: string): FencingToken | undefined {
    return this.leases.find((lease) => lease.name === name)?.token;
  }

  /** How long all of the locks can be relied on without another renewal, in whole ms, rounded down. */
  remaining(): number {
    return Math.min(...this.leases.map((lease) => lease.remaining()));
  }

  /** Throws `LockLostError` unless all of the locks are held now. */
  assertHeld(): void {
    for (const lease of this.leases) lease.assertHeld();
  }

  /** Sets every lease to end `ms` from now; rejects like `Lease.extend` if one of them cannot be extended. */
  async extend(ms: number): Promise<void> {
    await Promise.all(this.leases.map((lease) => lease.extend(ms)));
  }

  /**
   * Releases all locks. Never rejects. Resolves with `lost` if a lock was lost, else with `unconfirmed` if a release
   * was not confirmed, else with `released`.
   */
  async release(): Promise<ReleaseOutcome> {
    const outcomes = await Promise.all(this.leases.map((lease) => lease.release()));
    for (const each of this.unlink) each();
    if (outcomes.includes('lost')) return 'lost';
    return outcomes.includes('unconfirmed') ? 'unconfirmed' : 'released';
  }

  toJSON(): { readonly leases: LeaseSummary[]; readonly remainingMs: number } {
    return { leases: this.leases.map((lease) => lease.toJSON()), remainingMs: this.remaining() };
  }

  [inspect.custom](_depth: number, options: InspectOptions): string {
    return `MultiLease ${inspect(this.toJSON(), { ...options, depth: 2 })}`;
  }

  /** Releases the locks at the end of an `await using` block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
  }

  private watch(): AbortController {
    const controller = new AbortController();
    for (const { signal } of this.leases) {
      const lost = (reason: unknown): void => {
        controller.abort(reason);
      };
      this.unlink.push(onAbort(signal, lost));
    }
    return controller;
  }
}
