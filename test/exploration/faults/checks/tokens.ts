import { stateLostBetween, storedAt } from '../claims.js';
import type { RunRecord, Section } from '../run-record.js';
import type { Check, Violation } from './check.js';

/** A hold has at most this many tokens for the callers it is handed to. */
const BLOCK = 64;

/** Under one name no token comes twice, and whoever asked after another had entered gets a larger one. */
export const tokens: Check = (run) => {
  const violations: Violation[] = [];
  let lateTokens = 0;
  if (!run.begin.tokens) return { violations };
  for (const [name, sections] of run.sections) {
    violations.push(...repeated(name, sections));
    const byWant = sections.toSorted((a, b) => a.attempt.want.at - b.attempt.want.at);
    let next = 0;
    let largest: Section | undefined;
    for (const section of byWant) {
      for (; next < sections.length && sections[next]!.enter.at < section.attempt.want.at; next += 1) {
        const entered = sections[next]!;
        if (largest === undefined || tokenOf(entered) > tokenOf(largest)) largest = entered;
      }
      if (largest === undefined || tokenOf(section) >= tokenOf(largest)) continue;
      if (fromOldBlock(section, sections, run)) {
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

function tokenOf(section: Section): number {
  return section.enter.token!;
}
