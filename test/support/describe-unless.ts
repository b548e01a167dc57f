import { describe, it } from '@jest/globals';
import { findRedisProgram } from '../../sample-app/services/find-program.js';
import { redisMajor } from './redis-program.js';

/** `skip-reporter.mjs` looks for this word, and prints what stands behind it at the end of the run. */
const skippedTitle = (name: string, reason: string): string => `${name} SKIPPED: ${reason}`;

/** `describe` for what a server may not be able to do: also in CI, which uses several servers. `lack` says what, and is printed. */
export function describeIfAble(lack: string | undefined, name: string, tests: () => void): void {
  if (lack === undefined) describe(name, tests);
  else describe.skip(skippedTitle(name, lack), tests);
}

/**
 * `describe` for tests that need something this machine may lack. `missing` says what; the summary of the run lists every
 * skipped suite with that reason. In CI nothing may be missing.
 */
export function describeUnless(missing: string | undefined, name: string, tests: () => void): void {
  if (missing !== undefined && process.env.CI === 'true') throw new Error(`"${name}" cannot run: ${missing}.`);
  describeIfAble(missing, name, tests);
}

/** What Redis 6.2 lacks: sharded channels, and `min-replicas-to-write` in scripts. */
const lackBefore7 = (): string | undefined =>
  findRedisProgram() !== undefined && redisMajor() < 7 ? 'this server is older than Redis 7' : undefined;

/** `describe` for what needs Redis 7. */
export function describeSince7(name: string, tests: () => void): void {
  describeIfAble(lackBefore7(), name, tests);
}

/** `it` for what needs Redis 7. */
export function itSince7(name: string, test: () => Promise<void>, timeout?: number): void {
  const lack = lackBefore7();
  if (lack === undefined) it(name, test, timeout);
  else it.skip(skippedTitle(name, lack), test, timeout);
}
