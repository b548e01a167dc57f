import { LockConfigError } from '../errors/index.js';
import { checkKnown, checkWhole, MAX_MS, show } from './checks.js';

/**
 * After how long a lease that is held, or a caller that waits, is reported: one warning of the service's logger, and one message
 * of the channel `nestjs-redis-lock:slow`. In ms, 1 or more; `Infinity`: never.
 *
 * @publicApi
 */
export interface WarnAfter {
  /** From the grant of the lock. */
  readonly held?: number;
  /** From the call. A caller whose `wait` is shorter is refused before. */
  readonly waited?: number;
}

/** @internal @throws LockConfigError that names the option */
export function checkWarnAfter(value: unknown): WarnAfter {
  if (typeof value !== 'object' || value === null) {
    throw new LockConfigError(`"warnAfter" must be an object: { held, waited }, but is ${show(value)}.`);
  }
  checkKnown('"warnAfter"', value, ['held', 'waited']);
  const { held, waited } = value as Record<string, unknown>;
  return { ...checkTime('held', held), ...checkTime('waited', waited) };
}

function checkTime(option: keyof WarnAfter, value: unknown): WarnAfter {
  if (value === undefined) return {};
  return { [option]: value === Infinity ? Infinity : checkWhole(`warnAfter.${option}`, value, 1, MAX_MS) };
}
