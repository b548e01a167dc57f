import type { Section } from './section.js';

export interface EndToEnd {
  /** What the sections alone took, in ms. */
  readonly sectionsMs: number;
  /** From when the first could have begun to the end of the last, in ms. */
  readonly elapsedMs: number;
  /** How much of that time somebody was inside: 1 is what one caller without a lock would reach. */
  readonly share: number;
  /** The whole in sections laid end to end: 1 / share. */
  readonly stretch: number;
}

/**
 * Compares the sections of one name with the same sections laid end to end. `null` where there were none.
 *
 * @param startedAt when the callers were let go; default: when the first of them asked
 */
export function laidEndToEnd(sections: readonly Section[], startedAt?: number): EndToEnd | null {
  if (sections.length === 0) return null;
  let [first, last, sectionsMs] = [Infinity, -Infinity, 0];
  for (const { asked, entered, left } of sections) {
    first = Math.min(first, asked);
    last = Math.max(last, left);
    sectionsMs += left - entered;
  }
  const elapsedMs = last - (startedAt ?? first);
  return { sectionsMs, elapsedMs, share: sectionsMs / elapsedMs, stretch: elapsedMs / sectionsMs };
}
