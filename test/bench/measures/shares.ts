import type { Section } from './section.js';

/** How the sections were spread over the processes, in fair shares: 1 is the share each would have if all had alike. */
export interface Shares {
  readonly smallest: number;
  readonly largest: number;
}

/** `null` where there were no sections. */
export function sharesOf(sections: readonly Section[], workers: number): Shares | null {
  if (sections.length === 0) return null;
  const counts = Array.from({ length: workers }, () => 0);
  for (const { worker } of sections) counts[worker] = (counts[worker] ?? 0) + 1;
  const fair = sections.length / workers;
  return { smallest: Math.min(...counts) / fair, largest: Math.max(...counts) / fair };
}

/**
 * Jain's index of fairness over what each of `callers` callers of `workers` processes had: 1 if all had as many sections, 1 / n
 * if one of n had them all. `null` where there were no sections.
 */
export function fairnessIndex(sections: readonly Section[], workers: number, callers: number): number | null {
  if (sections.length === 0) return null;
  const counts = new Map<number, number>();
  for (const { worker, caller } of sections) {
    const key = worker * callers + caller;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  let squares = 0;
  for (const count of counts.values()) squares += count ** 2;
  return sections.length ** 2 / (workers * callers * squares);
}
