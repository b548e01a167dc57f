import { attemptsByName, graceIn, heldBy, mayHaveHeld, unjudgedTime, waitOf } from '../free-time.js';
import type { RunRecord, Span } from '../run-record.js';
import { overlapMs, union, without } from '../spans.js';
import type { Check, Violation } from './check.js';

/**
 * Some caller takes a free lock soon. Not counted is the time in which a fault keeps the servers from granting it, in
 * which an orphaned lease may still run, in which all callers stand still, and in which an event loop of the suite did
 * not run.
 */
export const leftFree: Check = (run, { freeMs }) => {
  const violations: Violation[] = [];
  const counts = { freeSpells: 0, judgedFreeMs: 0, longestFreeMs: 0 };
  const unjudged = unjudgedTime(run);
  for (const [name, attempts] of attemptsByName(run)) {
    const held = (run.sections.get(name) ?? []).map((section) => heldBy(section, run));
    const busy = union([...held, ...attempts.flatMap((attempt) => mayHaveHeld(attempt, run) ?? [])]);
    const waits = attempts.map((attempt) => ({
      attempt,
      spans: withoutPauses(waitOf(attempt, run), attempt.want.process, run),
    }));
    const wanted = union(waits.flatMap(({ spans }) => spans));
    for (const gap of without({ from: run.begin.at, to: run.end }, busy)) {
      const ms = overlapMs(wanted, without(gap, unjudged));
      if (ms === 0) continue;
      counts.freeSpells += 1;
      counts.judgedFreeMs += Math.round(ms);
      counts.longestFreeMs = Math.max(counts.longestFreeMs, Math.round(ms));
      const allowed = freeMs + graceIn(gap, run);
      if (ms <= allowed) continue;
      const waited = waits.filter(({ spans }) => overlapMs(spans, [gap]) > 0).map(({ attempt }) => attempt);
      violations.push({
        property: 'left-free',
        message: `"${name}" stayed free from ${show(gap.from)} to ${show(gap.to)}: callers wanted it for ${ms.toFixed(0)} of these ms, and ${allowed} are allowed`,
        events: waited.slice(0, 4).flatMap(({ want, failed }) => (failed === undefined ? [want] : [want, failed])),
      });
    }
  }
  return { violations, counts };
};

/** A process that stands still takes no lock. */
function withoutPauses(wait: Span | undefined, process: string, run: RunRecord): Span[] {
  if (wait === undefined || wait.from >= wait.to) return [];
  return without(wait, union(run.pauses.get(process) ?? []));
}

const show = (ms: number): string => ms.toFixed(1);
