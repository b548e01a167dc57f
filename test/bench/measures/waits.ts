import { percentiles } from './percentiles.js';
import type { Section } from './section.js';

/** How long callers stood outside, from asking to entering. */
export interface Waits {
  readonly medianMs: number;
  readonly longestMs: number;
  /** The longest wait in median waits: 1 if all wait alike. */
  readonly longestInMedians: number;
}

/** `null` where there were no sections. */
export function waits(sections: readonly Section[]): Waits | null {
  const found = percentiles(sections.map(({ asked, entered }) => entered - asked));
  if (found === null) return null;
  return { medianMs: found.p50, longestMs: found.max, longestInMedians: found.max / found.p50 };
}

/** Callers as `worker/caller` that had no section at all though `workers` processes with `callers` each asked. */
export function unserved(sections: readonly Section[], workers: number, callers: number): string[] {
  const served = new Set(sections.map(({ worker, caller }) => `${worker}/${caller}`));
  const all = Array.from({ length: workers * callers }, (_, at) => `${Math.floor(at / callers)}/${at % callers}`);
  return all.filter((each) => !served.has(each));
}
