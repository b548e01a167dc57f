import type { Allowances, Violation } from './checks/check.js';
import { exclusion } from './checks/exclusion.js';
import { leftFree } from './checks/left-free.js';
import { lostSignals } from './checks/lost-signals.js';
import { nobodyForgotten } from './checks/nobody-forgotten.js';
import { nothingLeft } from './checks/nothing-left.js';
import { order } from './checks/order.js';
import { refusedFree } from './checks/refused-free.js';
import { staleWrites } from './checks/stale-writes.js';
import { tally } from './checks/tally.js';
import { tokens } from './checks/tokens.js';
import { wellFormed } from './checks/well-formed.js';
import type { HistoryEvent } from './history.js';
import { recordRun } from './run-record.js';

export type { Allowances, Property, Violation } from './checks/check.js';

export interface Verdict {
  readonly violations: readonly Violation[];
  /** `sections`, `handOvers`, `doubleHolders`, `lostLocks`, `refusedWrites` …: see the checks. */
  readonly counts: Readonly<Record<string, number>>;
}

const CHECKS = [
  wellFormed,
  exclusion,
  tokens,
  staleWrites,
  lostSignals,
  nobodyForgotten,
  leftFree,
  refusedFree,
  order,
  nothingLeft,
  tally,
];

/**
 * Judges one run by its history, in the order of the stamps.
 *
 * @throws Error if the history has no beginning or is not in order
 */
export function judge(history: readonly HistoryEvent[], allowances: Allowances): Verdict {
  const run = recordRun(history);
  const findings = CHECKS.map((check) => check(run, allowances));
  return {
    violations: findings.flatMap(({ violations }) => violations),
    counts: Object.assign({}, ...findings.map(({ counts }) => counts)) as Record<string, number>,
  };
}
