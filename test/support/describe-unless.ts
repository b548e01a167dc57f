import { describe, it } from '@jest/globals';
import { findRedisProgram } from '../../sample-app/services/find-program.js';
import { redisMajor } from './redis-program.js';

/**
 * `describe` for tests that need something this machine may lack. `missing` says what; the summary of the run lists every
 * skipped suite with that reason. In CI nothing may be missing.
 */
export function describeUnless(missing: string | undefined, name: string, tests: () => void): void {
  if (missing === undefined) describe(name, tests);
  else if (process.env.CI === 'true') throw new Error(`"${name}" cannot run: ${missing}.`);
  else describe.skip(`${name} SKIPPED: ${missing}`, tests); // skip-reporter.mjs looks for this word
}

const OLD = 'this server is older than Redis 7';
const isOld = (): boolean => findRedisProgram() !== undefined && redisMajor() < 7;

/** `it` for what Redis 6.2 cannot do: sharded channels, and `min-replicas-to-write` in scripts. */
export function itSince7(name: string, test: () => Promise<void>, timeout?: number): void {
  if (isOld()) it.skip(`${name} SKIPPED: ${OLD}`, test, timeout);
  else it(name, test, timeout);
}

/** `describe`, of the same. */
export function describeSince7(name: string, tests: () => void): void {
  describeIfAble(isOld() ? OLD : undefined, name, tests);
}

/** `describe` for tests of what a server may not be able to do: also in CI, which uses several servers. `lack` says what. */
export function describeIfAble(lack: string | undefined, name: string, tests: () => void): void {
  if (lack === undefined) describe(name, tests);
  else describe.skip(`${name} SKIPPED: ${lack}`, tests);
}
