import { deadlineKnown, killedAt } from './claims.js';
import type { Attempt, RunRecord, Section, Span } from './run-record.js';
import { union } from './spans.js';

/** A fault that is not judged has effects for two leases and this long: restart guards, orphaned leases, reconnections. */
const RECOVERY_MS = 3_000;
/** And for this long, where a waiter that is gone may have a place before others. */
const PLACE_MS = 5_000;

/** All attempts for each name, in the order in which they began. */
export function attemptsByName(run: RunRecord): Map<string, Attempt[]> {
  const byName = new Map<string, Attempt[]>();
  for (const attempt of run.attempts.values()) {
    for (const name of attempt.want.names) {
      const list = byName.get(name);
      if (list === undefined) byName.set(name, [attempt]);
      else list.push(attempt);
    }
  }
  return byName;
}

/** When it is not judged whether a free lock is taken: the servers cannot grant it, or the machine was busy. */
export function unjudgedTime(run: RunRecord): Span[] {
  const recoveryMs =
    2 * run.begin.leaseMs + RECOVERY_MS + (run.permits > 1 || run.begin.places === true ? PLACE_MS : 0);
  const faults = run.faults
    .filter(({ event }) => event.graceMs === undefined)
    .map(({ span }) => ({ from: span.from, to: span.to + recoveryMs }));
  return union([...run.stalls, ...faults]);
}

/** How much longer than usual a lock may stay free in this time, because of faults. */
export function graceIn({ from, to }: Span, run: RunRecord): number {
  return run.faults.reduce((most, { event: { graceMs = 0 }, span }) => {
    return span.from < to && span.to > from ? Math.max(most, graceMs) : most;
  }, 0);
}

/** When an attempt without a section may have held the lock: one of several names, or one whose process was killed. */
export function mayHaveHeld(attempt: Attempt, run: RunRecord): Span | undefined {
  const { want } = attempt;
  const answered = answeredAt(attempt);
  const killed = run.killed.get(want.process) ?? Infinity;
  if (killed < answered) return { from: want.at, to: killed + leaseOf(attempt, run) };
  return isPlain(attempt) ? undefined : { from: want.at, to: answered };
}

/** From the moment the section began until its lock was free again for certain. */
export function heldBy(section: Section, run: RunRecord): Span {
  const { attempt, enter, leave, released } = section;
  const from = enter.at;
  const leaseMs = leaseOf(attempt, run);
  if (released?.outcome === 'released') {
    const { holdAtLeast = 0 } = attempt.want;
    return { from, to: Math.max(released.at, from + holdAtLeast) };
  }
  // A renewal that nobody heard of may have prolonged the lease on the servers until the end of the section.
  const last = killedAt(section, run) ?? leave?.at ?? run.end;
  const deadline = deadlineKnown(section);
  return { from, to: Math.max(last + leaseMs, deadline === Infinity ? from : deadline) };
}

/** When the attempt waited; `undefined` for one of several names, which waits for others too. */
export function waitOf(attempt: Attempt, run: RunRecord): Span | undefined {
  if (!isPlain(attempt)) return undefined;
  const { want } = attempt;
  return { from: want.at, to: Math.min(answeredAt(attempt), run.killed.get(want.process) ?? run.end) };
}

/** `Infinity`: never. */
export function answeredAt({ want, failed, sections }: Attempt): number {
  if (failed !== undefined) return failed.at;
  if (sections.size < want.names.length) return Infinity;
  return Math.max(...[...sections.values()].map(({ enter }) => enter.at));
}

export function leaseOf({ want }: Attempt, run: RunRecord): number {
  return want.lease === 'renew' ? run.begin.leaseMs : want.lease;
}

/** Whether it is for one name: one for several waits for others, too. */
export const isPlain = ({ want }: Attempt): boolean => want.names.length === 1;
