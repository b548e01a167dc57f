import { stateLostBetween, storedAt } from '../claims.js';
import { isAlone, type RunRecord, type Section } from '../run-record.js';
import type { Check, Violation } from './check.js';

/** A hold has at most this many tokens for the callers it is handed to. */
const BLOCK = 64;

/**
 * Under one name no token comes twice, and whoever asked after another had entered gets a larger one. Where several are inside
 * at a time, they have tokens from several blocks, in no order; but readers have the token of the last writer, as long as it is
 * not lost.
 */
export const tokens: Check = (run) => {
  const violations: Violation[] = [];
  let lateTokens = 0;
  if (!run.begin.tokens) return { violations };
  for (const [name, sections] of run.sections) {
    const { readers = false } = run.begin;
    violations.push(...repeated(name, readers ? sections.filter((section) => isAlone(section, run)) : sections));
    if (run.permits > 1 && !readers) continue;
    const byWant = sections.toSorted((a, b) => a.attempt.want.at - b.attempt.want.at);
    let next = 0;
    let largest: Section | undefined;
    for (const section of byWant) {
      for (; next < sections.length && sections[next]!.enter.at < section.attempt.want.at; next += 1) {
        const entered = sections[next]!;
        if (!isAlone(entered, run)) continue;
        if (largest === undefined || tokenOf(entered) > tokenOf(largest)) largest = entered;
      }
      if (largest === undefined || tokenOf(section) >= tokenOf(largest)) continue;
      if (fromOldBlock(section, sections, run) || isOfLostWriter(section, largest, run)) {
        lateTokens += 1;
        continue;
      }
      violations.push({
        property: 'token-went-back',
        message: `"${name}": ${section.enter.caller} asked after ${largest.enter.caller} had entered, and got the smaller token`,
        events: [largest.enter, section.attempt.want, section.enter],
      });
    }
  }
  return { violations, counts: { lateTokens } };
};

function repeated(name: string, sections: readonly Section[]): Violation[] {
  const seen = new Map<number, Section>();
  return sections.flatMap((section): Violation[] => {
    const before = seen.get(tokenOf(section));
    seen.set(tokenOf(section), section);
    if (before === undefined) return [];
    const message = `"${name}": ${section.enter.caller} has the token of ${before.enter.caller}`;
    return [{ property: 'token-repeated', message, events: [before.enter, section.enter] }];
  });
}

/**
 * Whether the token was reserved before the state was lost, by a hold that is handed on inside its process and still has
 * its lease. It says truly that its hold is the older one.
 */
function fromOldBlock(section: Section, sections: readonly Section[], run: RunRecord): boolean {
  if (run.begin.exclusion === 'always') return false;
  const { at } = section.enter;
  if (!stateLostBetween(section.name, storedAt(section, run, at), at, run)) return false;
  return sections.some((other) => {
    const ahead = tokenOf(section) - tokenOf(other);
    return ahead > 0 && ahead < BLOCK && other.attempt.want.process === section.attempt.want.process;
  });
}

/**
 * Whether a reader has an earlier token since the last writer's was lost. The next writer's is larger than both, and what the
 * reader writes until then is rejected.
 */
function isOfLostWriter(section: Section, largest: Section, run: RunRecord): boolean {
  if (run.begin.exclusion === 'always' || isAlone(section, run)) return false;
  return stateLostBetween(section.name, largest.enter.at, section.enter.at, run);
}

function tokenOf(section: Section): number {
  return section.enter.token!;
}
