import { timelines, type Section } from './section.js';

/**
 * How many sections were entered while as many sections of the same name were under way as may be, at least one of them in
 * another process: those of one process are counted there. One is enough to show that the lock does not exclude.
 */
export function overlapsBetween(sections: readonly Section[], permits = 1): number {
  if (permits === Infinity) return 0;
  return timelines(sections).reduce((sum, line) => sum + overlapsIn(line, permits), 0);
}

function overlapsIn(line: readonly Section[], permits: number): number {
  let overlaps = 0;
  let inside: Section[] = [];
  for (const section of line) {
    // A long section can cover several others.
    inside = inside.filter(({ left }) => left > section.entered);
    if (inside.length >= permits && inside.some(({ worker }) => worker !== section.worker)) overlaps += 1;
    inside.push(section);
  }
  return overlaps;
}
