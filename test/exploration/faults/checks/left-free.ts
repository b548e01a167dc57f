import { attemptsByName, graceIn, heldBy, mayHaveHeld, unjudgedTime, waitOf } from '../free-time.js';
import { takeOf, type Attempt, type RunRecord, type Section, type Span } from '../run-record.js';
import { cut, overlapMs, shortage, union, without, type Share } from '../spans.js';
import type { Check, Violation } from './check.js';

/**
 * Some caller takes a free lock soon, and a semaphore's permits soon go to each caller that waits, if there are enough for
 * the one that wants the most. Not counted is the time in which a fault keeps the servers from granting it, in which an
 * orphaned lease may still run, in which all callers stand still, and in which an event loop of the suite did not run.
 */
export const leftFree: Check = (run, { freeMs }) => {
  const violations: Violation[] = [];
  const counts = { freeSpells: 0, judgedFreeMs: 0, longestFreeMs: 0 };
  const unjudged = unjudgedTime(run);
  for (const [name, attempts] of attemptsByName(run)) {
    const sections = run.sections.get(name) ?? [];
    const waits = attempts.map((attempt) => ({
      attempt,
      spans: withoutPauses(waitOf(attempt, run), attempt.want.process, run),
    }));
    const wanted = union(waits.flatMap(({ spans }) => spans));
    const complain = (span: Span, what: string, waited: readonly Attempt[]): void => {
      violations.push({
        property: 'left-free',
        message: `"${name}" ${what} from ${show(span.from)} to ${show(span.to)}`,
        events: waited.slice(0, 4).flatMap(({ want, failed }) => (failed === undefined ? [want] : [want, failed])),
      });
    };
    const entered = sections.map(({ enter }) => enter.at);
    const short = shortage(heldShares(sections, attempts, run), wantedShares(attempts, run), run.permits);
    for (const gap of without({ from: run.begin.at, to: run.end }, short)) {
      const allowed = freeMs + graceIn(gap, run);
      const judged = without(gap, unjudged);
      let late = false;
      for (const piece of cut(gap, entered)) {
        const ms = overlapMs(wanted, without(piece, unjudged));
        if (ms === 0) continue;
        counts.freeSpells += 1;
        counts.judgedFreeMs += Math.round(ms);
        counts.longestFreeMs = Math.max(counts.longestFreeMs, Math.round(ms));
        if (ms <= allowed) continue;
        late = true;
        const waited = waits.filter(({ spans }) => overlapMs(spans, [piece]) > 0).map(({ attempt }) => attempt);
        complain(piece, `was not taken, wanted for ${ms.toFixed(0)} ms (${allowed} are allowed),`, waited);
      }
      if (late || gap.to - gap.from <= allowed) continue;
      for (const { attempt, spans } of waits) {
        const ms = overlapMs(spans, judged);
        if (ms <= allowed) continue;
        complain(gap, `had permits for ${attempt.want.caller}, which waited for ${ms.toFixed(0)} ms,`, [attempt]);
      }
    }
  }
  return { violations, counts };
};

function heldShares(sections: readonly Section[], attempts: readonly Attempt[], run: RunRecord): Share[] {
  return [
    ...sections.map((section) => ({ ...heldBy(section, run), take: takeOf(section.attempt) })),
    ...attempts.flatMap((attempt) => {
      const span = mayHaveHeld(attempt, run);
      return span === undefined ? [] : [{ ...span, take: takeOf(attempt) }];
    }),
  ];
}

function wantedShares(attempts: readonly Attempt[], run: RunRecord): Share[] {
  return attempts.flatMap((attempt) => {
    const span = waitOf(attempt, run);
    return span === undefined ? [] : [{ ...span, take: takeOf(attempt) }];
  });
}

/** A process that stands still takes no lock. */
function withoutPauses(wait: Span | undefined, process: string, run: RunRecord): Span[] {
  if (wait === undefined || wait.from >= wait.to) return [];
  return without(wait, union(run.pauses.get(process) ?? []));
}

const show = (ms: number): string => ms.toFixed(1);
