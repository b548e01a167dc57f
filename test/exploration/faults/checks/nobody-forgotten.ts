import { putOffByPauses } from '../claims.js';
import type { HistoryEvent } from '../history.js';
import type { Attempt, RunRecord } from '../run-record.js';
import type { Check, Property, Violation } from './check.js';

/** Timers count whole ms, and the call begins a little after its `want` is stamped. */
const TIMER_MS = 2;
/** Several names fail with `LOCK_LOST` if one of them is lost while another is waited for. */
const EXPLAINED = ['LOCK_BUSY', 'LOCK_UNAVAILABLE', 'LOCK_ABORTED', 'LOCK_LOST'];

/**
 * Every caller is served, or told that it is not, within its `wait`; those whose process was killed are past help. Every
 * section ends, and every release gets its answer. No caller of this library gets an error that faults do not explain.
 */
export const nobodyForgotten: Check = (run, { waitMs }) => {
  const violations: Violation[] = [];
  const counts = { served: 0, busy: 0, unavailable: 0, aborted: 0, failedOtherwise: 0 };
  for (const attempt of run.attempts.values()) {
    const complaint = complain(attempt, run, waitMs);
    if (complaint !== undefined) violations.push({ ...complaint, events: eventsOf(attempt) });
    if (attempt.failed !== undefined) counts[countOf(attempt.failed.code)] += 1;
    else if (attempt.sections.size === attempt.want.names.length) counts.served += 1;
  }
  return { violations, counts };
};

function complain(
  attempt: Attempt,
  run: RunRecord,
  waitMs: number,
): { property: Property; message: string } | undefined {
  const { want, sections, failed } = attempt;
  const wait = want.wait ?? Infinity;
  const killed = run.killed.get(want.process) ?? Infinity;
  const forgotten = (what: string) => ({ property: 'forgotten' as const, message: `${want.caller} ${what}` });

  const entered = Math.max(...[...sections.values()].map(({ enter }) => enter.at));
  const served = sections.size === want.names.length;
  const answered = failed?.at ?? (served ? entered : Infinity);
  const due = putOffByPauses(want.at + wait, waitMs, run.pauses.get(want.process)) + waitMs;
  if (answered > due && Math.min(run.end, killed) > due) {
    return forgotten(
      answered === Infinity ? 'was never answered' : `was answered ${(answered - due).toFixed(3)} ms late`,
    );
  }
  if (answered === Infinity && killed === Infinity) return forgotten('was never answered');
  if (failed?.code === 'LOCK_BUSY' && failed.at < want.at + wait - TIMER_MS) return forgotten('was sent away early');
  if (failed?.code === 'LOCK_ABORTED' && want.mayAbort !== true)
    return forgotten('was aborted, and nobody had asked for it');

  if (failed !== undefined && run.begin.lib === 'own' && !EXPLAINED.includes(failed.code))
    return { property: 'unexpected', message: `${want.caller} got ${failed.code}` };

  for (const { enter, leave, released } of sections.values()) {
    if (killed !== Infinity || released !== undefined) continue;
    const what = leave === undefined ? 'never left' : 'had no answer to its release of';
    return { property: 'unfinished', message: `${want.caller} ${what} "${enter.name}"` };
  }
  return undefined;
}

function countOf(code: string): 'busy' | 'unavailable' | 'aborted' | 'failedOtherwise' {
  switch (code) {
    case 'LOCK_BUSY':
      return 'busy';
    case 'LOCK_UNAVAILABLE':
      return 'unavailable';
    case 'LOCK_ABORTED':
      return 'aborted';
    default:
      return 'failedOtherwise';
  }
}

function eventsOf({ want, sections, failed }: Attempt): HistoryEvent[] {
  const entered = [...sections.values()].flatMap(({ enter, leave }) =>
    leave === undefined ? [enter] : [enter, leave],
  );
  return [want, ...entered, ...(failed === undefined ? [] : [failed])];
}
