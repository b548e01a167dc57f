import { claimedUntil, stateLostBetween, storedAt } from '../claims.js';
import { takeOf, type RunRecord, type Section } from '../run-record.js';
import type { Check, Violation } from './check.js';

/**
 * The sections of one name have no more permits than there are while the lease of each lasts: of an exclusive lock, no two
 * are inside. Where the run does not promise that locks outlive a loss of state, more of them over such a fault are a double
 * holder.
 */
export const exclusion: Check = (run) => {
  const violations: Violation[] = [];
  let doubleHolders = 0;
  let mostInUse = 0;
  for (const [name, sections] of run.sections) {
    let inside: Section[] = [];
    for (const section of sections) {
      const { at, caller } = section.enter;
      inside = inside.filter((other) => claimedUntil(other, run) > at);
      // Its lease was over before it began.
      if (claimedUntil(section, run) <= at) continue;
      const others = inside;
      inside = [...others, section];
      mostInUse = Math.max(mostInUse, permitsOf(inside));
      if (permitsOf(inside) <= run.permits) continue;
      if (isExcused(name, inside, at, run)) {
        doubleHolders += 1;
        continue;
      }
      const left = others.map(
        (other) => `${(claimedUntil(other, run) - at).toFixed(3)} ms before ${other.enter.caller}`,
      );
      violations.push({
        property: 'exclusion',
        message: `${caller} entered "${name}" ${left.join(', ')} was out: ${permitsOf(inside)} permits of ${run.permits}`,
        events: inside.flatMap(({ enter, leave }) => (leave === undefined ? [enter] : [enter, leave])),
      });
    }
  }
  return { violations, counts: { doubleHolders, mostInUse } };
};

const permitsOf = (sections: readonly Section[]): number =>
  sections.reduce((sum, { attempt }) => sum + takeOf(attempt), 0);

/**
 * Whether each of them may have been granted its permits although the others are inside at `at`: those that were granted
 * earlier and may have been lost since do not count then.
 */
function isExcused(name: string, inside: readonly Section[], at: number, run: RunRecord): boolean {
  if (run.begin.exclusion === 'always') return false;
  const granted = inside.toSorted((a, b) => (a.enter.token ?? 0) - (b.enter.token ?? 0));
  return granted.every((section, index) => {
    const kept = granted.slice(0, index).filter((one) => !stateLostBetween(name, storedAt(one, run, at), at, run));
    return permitsOf([...kept, section]) <= run.permits;
  });
}
