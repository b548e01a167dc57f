import { describe } from '@jest/globals';

/**
 * `describe` for tests that need something this machine may lack. `missing` says what; the summary of the run lists every
 * skipped suite with that reason. In CI nothing may be missing.
 */
export function describeUnless(missing: string | undefined, name: string, tests: () => void): void {
  if (missing === undefined) describe(name, tests);
  else if (process.env.CI === 'true') throw new Error(`"${name}" cannot run: ${missing}.`);
  else describe.skip(`${name} SKIPPED: ${missing}`, tests); // skip-reporter.mjs looks for this word
}
