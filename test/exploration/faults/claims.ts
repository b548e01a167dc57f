import type { EnterEvent, LeaveEvent, LookEvent } from './history.js';
import type { RunRecord, Section, Span } from './run-record.js';

/** When the section's lease ends as far as the section knew at `at`; `Infinity` where the library cannot say. */
export function deadlineKnown(section: Section, at = Infinity): number {
  let deadline = Infinity;
  for (const look of looksOf(section)) {
    if (look.at > at) break;
    if (look.remaining === null) deadline = Infinity;
    // A lease that is over was over before somebody looked.
    else deadline = look.remaining > 0 ? look.at + look.remaining : Math.min(deadline, look.at);
  }
  return deadline;
}

/**
 * Until when the section could believe that it holds the lock alone. The lock of one that was killed is its own until the
 * end of its lease, where the library knows that end.
 */
export function claimedUntil(section: Section, run: RunRecord): number {
  const deadline = deadlineKnown(section);
  const end = deadline === Infinity ? (killedAt(section, run) ?? run.end) : deadline;
  return Math.min(end, section.leave?.at ?? Infinity, section.lost?.at ?? Infinity, run.end);
}

/**
 * The last moment before `at` for which the section's lease shows that the lock was stored for it: when the request was
 * sent that its remaining time is counted from.
 */
export function storedAt(section: Section, run: RunRecord, at: number): number {
  const { want } = section.attempt;
  const lease = want.lease === 'renew' ? run.begin.leaseMs : want.lease;
  // Who was handed a lock within its process asked later than that.
  let stored = -Infinity;
  for (const look of looksOf(section)) {
    if (look.at > at || look.remaining === null || look.remaining === 0) continue;
    stored = Math.max(stored, look.at - Math.max(0, lease - look.remaining));
  }
  return stored === -Infinity ? want.at : stored;
}

/** When the process was killed, if the section had not ended by then. */
export function killedAt({ attempt, leave }: Section, run: RunRecord): number | undefined {
  const killed = run.killed.get(attempt.want.process);
  return killed === undefined || (leave !== undefined && leave.at < killed) ? undefined : killed;
}

/** `due`, put off to the end of every pause of the process that began before it or within the allowance after it. */
export function putOffByPauses(due: number, allowance: number, pauses: readonly Span[] = []): number {
  return pauses.reduce((time, { from, to }) => (from <= time + allowance ? Math.max(time, to) : time), due);
}

/** Whether a fault could have taken `name`'s lock between the two moments. */
export function stateLostBetween(name: string, from: number, to: number, run: RunRecord): boolean {
  return run.faults.some(
    ({ event: { stateLost }, span }) =>
      (stateLost === 'all' || stateLost?.includes(name) === true) && span.from <= to && span.to >= from,
  );
}

function looksOf({ enter, looks, leave }: Section): (EnterEvent | LookEvent | LeaveEvent)[] {
  return leave === undefined ? [enter, ...looks] : [enter, ...looks, leave];
}
