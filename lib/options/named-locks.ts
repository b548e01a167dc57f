import { LockConfigError, LockNameError } from '../errors/index.js';
import { quoteName } from '../errors/quote-name.js';
import type { LockToTake } from '../leases/take-all.js';
import { checkLockName } from '../naming/lock-name.js';
import type { LockMode } from '../stores/lock-state.js';
import { checkKnown, checkLabel } from './checks.js';

/**
 * One of several locks that are taken together, with a mode of its own.
 *
 * @publicApi
 */
export interface NamedLock {
  readonly name: string;
  /** Default: the `mode` of the call. */
  readonly mode?: LockMode;
  /** Default: the `label` of the call. */
  readonly label?: string;
}

/**
 * @internal Checks several locks, removes duplicates and sorts the rest by name, so that all callers take them in the same order.
 *
 * @param resolveMode checks a mode; `undefined` stands for the mode of the call
 * @throws LockNameError, LockConfigError
 */
export function resolveLocks(
  locks: readonly unknown[],
  resolveMode: (mode: LockMode | undefined) => LockToTake['mode'],
): LockToTake[] {
  if (locks.length === 0) throw new LockNameError('At least one lock name is needed.');
  const byName = new Map<string, LockToTake>();
  for (const lock of locks) {
    const { name, mode, label } = parse(lock);
    const resolved = { name, mode: resolveMode(mode), label };
    const known = byName.get(name) ?? resolved;
    if (known.mode !== resolved.mode) {
      throw new LockConfigError(`${quoteName(name)} is among the locks twice, with different modes.`, name);
    }
    byName.set(name, known);
  }
  return [...byName.values()].sort((one, other) => (one.name < other.name ? -1 : 1));
}

function parse(lock: unknown): NamedLock {
  if (typeof lock === 'object' && lock !== null && !Array.isArray(lock)) {
    checkKnown('One of several locks', lock, ['name', 'mode', 'label']);
    const { name, mode, label } = lock as { name?: unknown; mode?: LockMode; label?: unknown };
    checkLockName(name);
    return {
      name,
      ...(mode === undefined ? {} : { mode }),
      ...(label === undefined ? {} : { label: checkLabel(label) }),
    };
  }
  checkLockName(lock);
  return { name: lock };
}
