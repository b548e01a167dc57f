import type { LockClient } from '../contestants/contestant.js';
import { overlapsBetween } from '../measures/overlaps-between.js';
import type { Plan, RoundResult } from './plan.js';
import { readRecords } from './record-columns.js';

/** A round that the client runs itself: all that is known of it is in its records. */
export async function foreignRound(client: LockClient, plan: Plan): Promise<RoundResult> {
  if (client.round === undefined) throw new Error('This client runs no rounds.');
  const { records, cpuMs, ports } = await client.round(plan);
  const sections = readRecords(records, 0, plan);
  const end = plan.startAt + plan.durationMs;
  const inWindow = sections.filter(({ left }) => left <= end);
  return {
    sections: inWindow.length,
    allSections: sections.length,
    elapsedMs: plan.durationMs,
    insideMs: inWindow.reduce((sum, { entered, left }) => sum + left - entered, 0),
    cpuMs,
    gaveUp: 0,
    // Each caller as if it were a process of its own.
    overlaps: overlapsBetween(
      sections.map((section) => ({ ...section, worker: section.caller })),
      plan.permits,
    ),
    connections: ports.length,
    ports,
    stuck: 0,
    errors: [],
    records,
  };
}
