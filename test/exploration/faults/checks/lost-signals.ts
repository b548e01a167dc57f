import { deadlineKnown, killedAt, putOffByPauses } from '../claims.js';
import type { Check, Violation } from './check.js';

/**
 * A section that is still inside when its lease ends has been told by then: by its signal, or, if it ended right there,
 * by its lease's remaining time. A process that stood still is told as soon as it goes on.
 */
export const lostSignals: Check = (run, { signalMs }) => {
  const violations: Violation[] = [];
  let lostLocks = 0;
  for (const section of [...run.sections.values()].flat()) {
    const { attempt, enter, lost, leave } = section;
    const knew = leave?.remaining === 0;
    if (lost !== undefined || knew) lostLocks += 1;
    if (leave?.remaining === null || (leave !== undefined && !knew)) continue;
    const known = deadlineKnown(section, lost?.at);
    const deadline = Math.max(known, known === Infinity ? known : (lost?.deadline ?? known));
    const due = putOffByPauses(deadline, signalMs, run.pauses.get(attempt.want.process)) + signalMs;
    const told = Math.min(lost?.at ?? Infinity, knew ? leave.at : Infinity);
    if (told <= due || Math.min(run.end, killedAt(section, run) ?? Infinity) <= due) continue;
    const late = told === Infinity ? 'never told' : `told ${(told - deadline).toFixed(3)} ms late`;
    violations.push({
      property: 'not-signalled',
      message: `"${enter.name}": ${enter.caller} was ${late} that its lease had ended`,
      events: [enter, ...(lost === undefined ? [] : [lost]), ...(leave === undefined ? [] : [leave])],
    });
  }
  return { violations, counts: { lostLocks } };
};
