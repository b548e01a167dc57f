import fc from 'fast-check';
import type { Simulation } from './run-schedule.js';
import { schedules, type Schedule } from './schedule.js';

export interface Failure {
  readonly schedule: Schedule;
  readonly violations: readonly string[];
  /** How many schedules were run before it was found. */
  readonly after: number;
}

export interface Result {
  readonly failure: Failure | null;
  readonly totals: Record<string, number>;
  readonly ms: number;
}

/**
 * Runs `runs` schedules made from `seed` until one is violated.
 *
 * @param shrink whether to look for the smallest schedule that is
 * @param examples schedules to try first
 */
export async function findFailure(
  simulation: Simulation,
  runs: number,
  seed: number,
  shrink: boolean,
  examples: readonly Schedule[] = [],
  all = schedules(simulation.nodes, simulation.kind),
): Promise<Result> {
  const began = performance.now();
  const totals: Record<string, number> = { schedules: 0, events: 0 };
  const violated = new Map<Schedule, readonly string[]>();
  let after = 0;
  const property = fc.asyncProperty(all, async (schedule) => {
    const { violations, counts, outcomes, steps } = await simulation.run(schedule);
    if (violations.length > 0) {
      violated.set(schedule, violations);
      return false;
    }
    if (violated.size === 0) {
      after += 1;
      for (const [what, count] of Object.entries({ schedules: 1, events: steps, ...counts })) add(totals, what, count);
      for (const [what, count] of outcomes) add(totals, what, count);
    }
    return true;
  });
  const { counterexample } = await fc.check(property, {
    numRuns: runs,
    seed,
    endOnFailure: !shrink,
    examples: examples.map((each): [Schedule] => [each]),
  });
  const ms = performance.now() - began;
  if (counterexample === null) return { failure: null, totals, ms };
  const [schedule] = counterexample;
  return { failure: { schedule, violations: violated.get(schedule) ?? [], after: after + 1 }, totals, ms };
}

/** Runs all schedules and counts the kinds of violations, with the first schedule of each. */
export async function survey(simulation: Simulation, runs: number, seed: number): Promise<string> {
  const kinds = new Map<string, { count: number; schedule: Schedule }>();
  for (const schedule of fc.sample(schedules(simulation.nodes, simulation.kind), { numRuns: runs, seed })) {
    const { violations } = await simulation.run(schedule);
    for (const violation of violations) {
      const kind = violation.replace(/^at [\d.]+ ms: /, '').replace(/[\d.]+/g, '#');
      const known = kinds.get(kind) ?? { count: 0, schedule };
      known.count += 1;
      kinds.set(kind, known);
    }
  }
  const lines = [...kinds].map(([kind, { count, schedule }]) => `${count} x ${kind}\n  ${JSON.stringify(schedule)}`);
  return lines.length === 0 ? `${runs} schedules, 0 violations` : lines.join('\n');
}

function add(totals: Record<string, number>, what: string, count: number): void {
  totals[what] = (totals[what] ?? 0) + count;
}
