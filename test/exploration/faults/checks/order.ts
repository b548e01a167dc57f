import { answeredAt, attemptsByName, isPlain, unjudgedTime } from '../free-time.js';
import type { Attempt, RunRecord } from '../run-record.js';
import { overlapMs, union } from '../spans.js';
import type { Check, Violation } from './check.js';

/** How much later than its `want` a request may reach the server while nothing disturbs it, in ms. */
const UNDER_WAY_MS = 250;

/**
 * No caller gets a fair lock before one that has waited for longer. This is judged where the earlier request certainly came first,
 * and its caller had no reason to lose its place: without a fault, a pause or a stall since then.
 */
export const order: Check = (run) => {
  const violations: Violation[] = [];
  let judgedOrder = 0;
  if (run.begin.ordered !== true) return { violations };
  const faults = run.faults.map(({ span }) => span);
  const disturbed = union([...unjudgedTime(run), ...faults, ...[...run.pauses.values()].flat()]);
  for (const [name, attempts] of attemptsByName(run)) {
    const waiting = attempts.filter((attempt) => isPlain(attempt) && attempt.want.wait !== 0);
    for (const { attempt, enter } of run.sections.get(name) ?? []) {
      const { want } = attempt;
      const before = waiting.filter(
        (other) => other.want.at < want.at - UNDER_WAY_MS && waitsUntil(other, run) > want.at,
      );
      const judged = before.filter((other) => overlapMs(disturbed, [{ from: other.want.at, to: enter.at }]) === 0);
      if (judged.length > 0) judgedOrder += 1;
      const passedOver = judged.find((other) => waitsUntil(other, run) > enter.at);
      if (passedOver === undefined) continue;
      violations.push({
        property: 'out-of-order',
        message: `"${name}": ${want.caller} was served before ${passedOver.want.caller}, which had waited for longer`,
        events: [passedOver.want, want, enter],
      });
    }
  }
  return { violations, counts: { judgedOrder } };
};

function waitsUntil(attempt: Attempt, run: RunRecord): number {
  const { at, wait, process } = attempt.want;
  return Math.min(answeredAt(attempt), at + (wait ?? Infinity), run.killed.get(process) ?? Infinity);
}
