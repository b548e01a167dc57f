import type { LockHolder } from '../lock-holder.js';
import { LockConfigError, type LockLostReason } from '../errors/index.js';
import { describeHolder } from '../errors/describe-holder.js';
import { escapeControls, quoteName } from '../errors/quote-name.js';

/** The parts of a hold that warnings contain. */
interface WarnedHold {
  readonly name: string;
  readonly leaseMs: number;
  readonly renews: boolean;
}

const MAX_NAMES = 5;

/** @param label of the caller */
export function lostWarning({ name, leaseMs, renews }: WarnedHold, reason: LockLostReason, label?: string): string {
  const lost = `Lock ${named(name, label)} was lost while it was held`;
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
export function renewalWarning({ name, label }: WarnedCall, remainingMs: number, error: unknown): string {
  return (
    `The lease of lock ${named(name, label)} could not be renewed, and ends in ${String(Math.floor(remainingMs))} ms unless a ` +
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

/** @param lost whether the lock of the term was lost; else its leader has resigned */
export function termOverdueWarning(name: string, overdueMs: number, lost: boolean): string {
  return (
    `The code of leader ${quoteName(name)} still runs ${String(overdueMs)} ms after the signal of its term aborted. ` +
    `${lost ? 'Another process can be the leader now' : 'No other process becomes the leader until it ends'}, and this ` +
    `process starts no new term before. End the code when the signal aborts.`
  );
}

export function termFailedWarning(name: string, error: unknown, pauseMs: number): string {
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return `Leader ${quoteName(name)} failed and resigned; this process campaigns again in ${String(pauseMs)} ms. ${stack}`;
}

/** @param error an error of the term's code after the term's signal aborted */
export function lateFailureWarning(name: string, error: unknown): string {
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return `The code of leader ${quoteName(name)} failed after the signal of its term had aborted. ${stack}`;
}

export function termReturnedWarning(name: string, ledMs: number): string {
  return (
    `The code of leader ${quoteName(name)} returned after ${String(ledMs)} ms, so the leader resigned: a process leads ` +
    `only while its code runs. Let the code wait until the signal of its term aborts.`
  );
}

export function campaignWarning(name: string, error: unknown, pauseMs: number): string {
  return (
    `This process cannot become leader ${quoteName(name)}, and tries again in ${String(pauseMs)} ms. ` +
    `Cause: ${messageOf(error)}`
  );
}

export function campaignEndedWarning(name: string, error: unknown): string {
  return `This process no longer campaigns as leader ${quoteName(name)}. ${messageOf(error)}`;
}

export function holderWarning(error: unknown): string {
  return (
    `This process could not be registered as a holder of locks. Locks work, but other processes cannot say that it holds them. ` +
    `Grant the permissions for its key (lib/docs/permissions.md), or set the option "service" to false. Cause: ` +
    messageOf(error)
  );
}

/** The parts of a call that warnings contain. */
interface WarnedCall {
  readonly name: string;
  readonly label: string | undefined;
}

/** @param site where the lock was acquired */
export function abandonedWarning({ name, label }: WarnedCall, site: string): string {
  return (
    `The lease of lock ${named(name, label)} was dropped without a release, so it is released now. It was acquired at ` +
    `${escapeControls(site)}. Release it in "finally", or use "await using" or withLock.`
  );
}

export function heldLongWarning({ name, label }: WarnedCall, ms: number): string {
  return (
    `Lock ${named(name, label)} has been held for ${String(ms)} ms, which is longer than "warnAfter.held". Is the code under it ` +
    `stuck, or its lease never released? Other callers wait for it until then.`
  );
}

/** @param waiting how many callers of this process wait for the lock */
export function waitedLongWarning(
  { name, label }: WarnedCall,
  ms: number,
  waiting: number,
  holder: LockHolder | undefined,
): string {
  const held = holder === undefined ? '' : `, which is held by ${describeHolder(holder)}`;
  const callers = waiting > 1 ? `, and ${String(waiting)} callers of this process wait for it` : '';
  return (
    `A caller has waited ${String(ms)} ms for lock ${named(name, label)}${held}: longer than "warnAfter.waited"${callers}. Is ` +
    `its holder stuck, or does the code under the lock take too long?`
  );
}

/** A label that is the name would only repeat it. */
function named(name: string, label: string | undefined): string {
  return label === undefined || label === name ? quoteName(name) : `${quoteName(name)} (${quoteName(label)})`;
}

function locks(names: readonly string[]): string {
  const some = names.slice(0, MAX_NAMES).map(quoteName).join(', ');
  const more = names.length > MAX_NAMES ? ` and ${String(names.length - MAX_NAMES)} more` : '';
  return `${names.length === 1 ? 'lock' : `${String(names.length)} locks:`} ${some}${more}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
