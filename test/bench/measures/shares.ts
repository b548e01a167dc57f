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
