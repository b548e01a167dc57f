import type { WriteEvent } from '../history.js';
import type { RunRecord } from '../run-record.js';
import type { Check, Violation } from './check.js';

/**
 * The guarded resource takes no write of a section whose successor has written. With tokens it is the token that decides,
 * and nobody but the stale is refused; without, a successor is one who asked after the other had entered. Where several are
 * inside at a time, nobody is a successor.
 */
export const staleWrites: Check = (run) => {
  const violations: Violation[] = [];
  let acceptedWrites = 0;
  let refusedWrites = 0;
  for (const [name, writes] of run.writes) {
    let newest: WriteEvent | undefined;
    for (const write of writes) {
      if (write.accepted) acceptedWrites += 1;
      else refusedWrites += 1;
      const stale =
        (run.permits === 1 || run.begin.readers === true) && newest !== undefined && isStale(write, newest, run);
      const events = newest === undefined ? [write] : [newest, write];
      if (write.accepted && stale) {
        const message = `"${name}": ${write.caller} wrote after its successor ${newest!.caller}`;
        violations.push({ property: 'stale-write', message, events });
      } else if (!write.accepted && !stale) {
        const message = `"${name}": ${write.caller} was refused, though nobody newer has written`;
        violations.push({ property: 'wrongly-refused', message, events });
      }
      if (write.accepted && !stale && (newest === undefined || isNewer(write, newest, run))) newest = write;
    }
  }
  return { violations, counts: { acceptedWrites, refusedWrites } };
};

function isStale(write: WriteEvent, newest: WriteEvent, run: RunRecord): boolean {
  if (write.caller === newest.caller) return false;
  // Readers have the token of the last writer.
  if (run.begin.readers === true) return write.token! < newest.token!;
  if (run.begin.tokens) return write.token! <= newest.token!;
  return sectionOf(write, run).enter.at < sectionOf(newest, run).attempt.want.at;
}

function isNewer(write: WriteEvent, newest: WriteEvent, run: RunRecord): boolean {
  if (run.begin.tokens) return true;
  return sectionOf(write, run).attempt.want.at > sectionOf(newest, run).attempt.want.at;
}

function sectionOf(write: WriteEvent, run: RunRecord) {
  return run.attempts.get(write.caller)!.sections.get(write.name)!;
}
