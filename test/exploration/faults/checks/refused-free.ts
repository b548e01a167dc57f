import { answeredAt, attemptsByName, graceIn, heldBy, leaseOf, unjudgedTime } from '../free-time.js';
import { takeOf, type Attempt, type RunRecord, type Span } from '../run-record.js';
import { overlapMs, shortage, union, type Share } from '../spans.js';
import type { Check, Violation } from './check.js';

/** A caller that does not wait is told that the lock is busy only while some caller has it, or may have it. */
export const refusedFree: Check = (run, { refusals }) => {
  const violations: Violation[] = [];
  let judgedRefusals = 0;
  const unjudged = unjudgedTime(run);
  for (const [name, attempts] of attemptsByName(run)) {
    const refused = attempts.filter(isRefusal);
    if (refused.length === 0) continue;
    const claims = attempts.flatMap((attempt) => claimsOf(attempt, name, run));
    const takes = new Set(refused.map(takeOf));
    // A second caller of one process is refused while the first one asks, which may be refused in its turn.
    const spells = union(refused.map(spanOf));
    const groups = new Map(
      [...takes].map((take) => {
        const short = shortage(claims, [{ from: -Infinity, to: Infinity, take }], run.permits);
        return [take, spells.filter((spell) => overlapMs(short, [spell]) === 0)];
      }),
    );
    for (const attempt of refused) {
      const { want, failed } = attempt;
      const span = spanOf(attempt);
      if (overlapMs(unjudged, [span]) > 0 || graceIn(span, run) > 0) continue;
      judgedRefusals += 1;
      if (overlapMs(groups.get(takeOf(attempt))!, [span]) === 0) continue;
      violations.push({
        property: 'refused-free',
        message: `${want.caller} was told that "${name}" is busy, and no caller had it`,
        events: [want, failed!],
      });
    }
  }
  const refusedFree = violations.length;
  return { violations: refusals ? [] : violations, counts: { judgedRefusals, refusedFree } };
};

const spanOf = ({ want, failed }: Attempt): Span => ({ from: want.at, to: failed!.at });

/** An attempt for this name alone that does not wait, and is told that the lock is busy. */
function isRefusal({ want, failed }: Attempt): boolean {
  return want.wait === 0 && want.names.length === 1 && failed?.code === 'LOCK_BUSY';
}

/** When the attempt may have held the lock, or come first; nothing for one that was refused itself. */
function claimsOf(attempt: Attempt, name: string, run: RunRecord): Share[] {
  if (isRefusal(attempt)) return [];
  const { want, sections } = attempt;
  const section = sections.get(name);
  // Who waits is served before a later caller, however many permits there are.
  const waits = (to: number): Share => ({ from: want.at, to, take: run.permits });
  if (section !== undefined) {
    return [waits(section.enter.at), { from: section.enter.at, to: heldBy(section, run).to, take: takeOf(attempt) }];
  }
  // A grant may have come when nobody waited for it any more: it is given back in the background.
  const answered = Math.min(answeredAt(attempt), run.end);
  return [waits(answered), { from: answered, to: answered + leaseOf(attempt, run), take: takeOf(attempt) }];
}
