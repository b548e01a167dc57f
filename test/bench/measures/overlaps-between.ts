import { timelines, type Section } from './section.js';

/**
 * How many sections were entered while a section of another process was under way on the same name. One is enough to
 * show that the lock does not exclude.
 */
export function overlapsBetween(sections: readonly Section[]): number {
  return timelines(sections).reduce((sum, line) => sum + overlapsIn(line), 0);
}

function overlapsIn(line: readonly Section[]): number {
  let overlaps = 0;
  // The end of the latest section of each process, not only of the one before: a long section can cover several others.
  const ends = new Map<number, number>();
  for (const { worker, entered, left } of line) {
    for (const [other, end] of ends) {
      if (other === worker || entered >= end) continue;
      overlaps += 1;
      break;
    }
    ends.set(worker, Math.max(left, ends.get(worker) ?? left));
  }
  return overlaps;
}
