import { claimedUntil, stateLostBetween, storedAt } from '../claims.js';
import type { RunRecord, Section } from '../run-record.js';
import type { Check, Violation } from './check.js';

/**
 * No two sections of one name while the lease of each lasts. Where the run does not promise that locks outlive a loss of
 * state, two over such a fault are a double holder.
 */
export const exclusion: Check = (run) => {
  const violations: Violation[] = [];
  let doubleHolders = 0;
  for (const [name, sections] of run.sections) {
    let inside: Section[] = [];
    for (const section of sections) {
      inside = inside.filter((other) => claimedUntil(other, run) > section.enter.at);
      // Its lease was over before it began.
      if (claimedUntil(section, run) <= section.enter.at) continue;
      for (const other of inside) {
        if (excused(name, other, section, run)) {
          doubleHolders += 1;
          continue;
        }
        const left = claimedUntil(other, run) - section.enter.at;
        violations.push({
          property: 'exclusion',
          message: `${section.enter.caller} entered "${name}" ${left.toFixed(3)} ms before ${other.enter.caller} was out`,
          events: [other.enter, section.enter, ...(other.leave === undefined ? [] : [other.leave])],
        });
      }
      inside.push(section);
    }
  }
  return { violations, counts: { doubleHolders } };
};

/** Whether the lock of the one that was granted first may have been gone when the other came. */
function excused(name: string, one: Section, other: Section, run: RunRecord): boolean {
  if (run.begin.exclusion === 'always') return false;
  const inGrantedOrder = (one.enter.token ?? 0) <= (other.enter.token ?? 0);
  const [first, second] = inGrantedOrder ? [one, other] : [other, one];
  const both = Math.max(first.enter.at, second.enter.at);
  return stateLostBetween(name, storedAt(first, run, both), both, run);
}
