import { timelines, type Section } from './section.js';

/** From the end of one section to the beginning of the next, in ms. */
export interface HandOvers {
  /** To a caller of another process. */
  readonly between: readonly number[];
  /** To a caller of the same process. */
  readonly within: readonly number[];
}

/**
 * The hand-overs to callers who were waiting already. Where the next caller asked only after the last section was over,
 * nothing was handed over: the lock was free meanwhile.
 */
export function handOvers(sections: readonly Section[]): HandOvers {
  const between: number[] = [];
  const within: number[] = [];
  for (const line of timelines(sections)) {
    line.forEach((next, index) => {
      const last = line[index - 1];
      if (last === undefined || next.asked > last.left) return;
      (next.worker === last.worker ? within : between).push(next.entered - last.left);
    });
  }
  return { between, within };
}
