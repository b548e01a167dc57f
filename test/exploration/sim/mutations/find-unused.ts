import fc from 'fast-check';
import { schedulesWithNodesAway } from '../away-schedules.js';
import { kindOf } from '../kind.js';
import { LibraryCode } from '../library/loader.js';
import { replace, type Replacement } from '../library/replacement.js';
import { Simulation } from '../run-schedule.js';
import { schedules, type Schedule } from '../schedule.js';
import type { ListedMutation } from './mutation.js';

/** How many directed and how many random schedules are tried. Nearly all mutations need one. */
const SCHEDULES = 12;

/**
 * The functions that a mutation replaces and that nothing calls in a few schedules.
 *
 * @throws Error if a function does not exist
 */
export async function findUnused(mutation: ListedMutation): Promise<string[]> {
  const { name, replacements = [], nodes, models, permits, mode } = mutation;
  const unused = new Set<string>();
  const code = new LibraryCode({ name, replacements: replacements.map((each) => noting(each, unused)) });
  const simulation = new Simulation(nodes[0]!, code, models, kindOf(permits, mode));
  code.checkMutated();
  for (const { name: replaced } of replacements) unused.add(replaced);
  for (const schedule of schedulesFor(mutation)) {
    if (unused.size === 0) break;
    await simulation.run(schedule);
  }
  return [...unused];
}

/** The same replacement, which also notes that it is called. */
function noting({ file, name, becomes }: Replacement, unused: Set<string>): Replacement {
  return replace(file, name, (original, now) => {
    const code = becomes(original, now);
    return function (this: unknown, ...args) {
      unused.delete(name);
      return Reflect.apply(code, this, args) as unknown;
    };
  });
}

function schedulesFor({ examples = [], away, nodes: [nodes = 1], permits, mode }: ListedMutation): Schedule[] {
  const random = away === true ? schedulesWithNodesAway(nodes) : schedules(nodes, kindOf(permits, mode));
  return [...examples.slice(0, SCHEDULES), ...fc.sample(random, { numRuns: SCHEDULES, seed: 4 })];
}
