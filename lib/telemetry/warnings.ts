import { LockConfigError, type LockLostReason } from '../errors/index.js';
import { quoteName } from '../errors/quote-name.js';

/** The parts of a hold that warnings contain. */
interface WarnedHold {
  readonly name: string;
  readonly leaseMs: number;
  readonly renews: boolean;
}

const MAX_NAMES = 5;

export function lostWarning({ name, leaseMs, renews }: WarnedHold, reason: LockLostReason): string {
  const lost = `Lock ${quoteName(name)} was lost while it was held`;
  const others = 'Another caller may hold it now, although the code under it may still run';
  if (reason === 'taken') {
    return (
      `${lost}: Redis no longer knows its holder. ${others}. Was the key deleted, evicted (maxmemory-policy), released ` +
      `by forceRelease, or lost in a failover?`
    );
  }
  if (!renews) {
    return (
      `${lost}: its fixed lease of ${String(leaseMs)} ms ended before it was released. ${others}. Use a longer "lease", ` +
      `or leave out "renew: false".`
    );
  }
  return (
    `${lost}: its lease of ${String(leaseMs)} ms ended before a renewal succeeded. ${others}. Check the connection to ` +
    `Redis, and whether something blocks the event loop.`
  );
}

/** @param remainingMs how long the lease can still be relied on */
export function renewalWarning(name: string, remainingMs: number, error: unknown): string {
  return (
    `The lease of lock ${quoteName(name)} could not be renewed, and ends in ${String(Math.floor(remainingMs))} ms unless a ` +
    `retry succeeds. Cause: ${messageOf(error)}`
  );
}

export function startupWarning(error: unknown): string {
  // Not "locks cannot be used": with several nodes, the others may be usable.
  if (error instanceof LockConfigError) return `The start-up test found a mistake. ${messageOf(error)}`;
  return `Locks cannot be used yet; calls fail until Redis is ready for them. Cause: ${messageOf(error)}`;
}

export const REACHABLE_WARNING = 'Redis is ready now: locks can be used.';

/** @param timeoutMs how much longer the shutdown waits at most */
export function slowShutdownWarning(names: readonly string[], timeoutMs: number): string {
  return (
    `The shutdown waits for ${locks(names)}, for ${String(Math.ceil(timeoutMs))} ms more at most. Release every lease ` +
    `("await using", or withLock), and end sections when their signal aborts or the app shuts down.`
  );
}

export function leftWarning(names: readonly string[]): string {
  return (
    `The shutdown did not release ${locks(names)}: the code under it still runs, or never released it. Other callers ` +
    `get it when its lease ends.`
  );
}

function locks(names: readonly string[]): string {
  const some = names.slice(0, MAX_NAMES).map(quoteName).join(', ');
  const more = names.length > MAX_NAMES ? ` and ${String(names.length - MAX_NAMES)} more` : '';
  return `${names.length === 1 ? 'lock' : `${String(names.length)} locks:`} ${some}${more}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
