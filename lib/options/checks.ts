import { LockConfigError } from '../errors/index.js';

export const DAY_MS = 86_400_000;
/** The longest lease and the longest time limit, in ms. */
export const MAX_LEASE_MS = DAY_MS;
/** A shorter lease would be used up by the allowance for clock drift and the round trip to Redis. */
export const MIN_LEASE_MS = 10;
export const MAX_MS = 2 ** 31 - 1;
const MAX_REPLICAS = 100;
const MAX_LABEL_CHARS = 100;

/** A time to wait: 0 or more whole ms, or `Infinity`. */
export function checkWait(option: string, value: unknown): number {
  return value === Infinity ? Infinity : checkWhole(option, value, 0, MAX_MS);
}

/** A length of a lease. */
export function checkLease(option: string, value: unknown): number {
  return checkWhole(option, value, MIN_LEASE_MS, MAX_LEASE_MS);
}

/** An option that is on or off. */
export function checkFlag(option: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  throw new LockConfigError(`"${option}" must be true or false, but is ${show(value)}.`);
}

/** What calls of one kind are reported as. */
export function checkLabel(value: unknown): string {
  if (typeof value === 'string' && value !== '' && value.length <= MAX_LABEL_CHARS && value.isWellFormed())
    return value;
  throw new LockConfigError(
    `"label" must be a string of 1 to ${String(MAX_LABEL_CHARS)} characters, but is ${show(value)}.`,
  );
}

/** A text of the code, such as a template, as a label. */
export function labelFrom(text: string): string {
  return text.slice(0, MAX_LABEL_CHARS).toWellFormed();
}

/** A number of replicas. */
export function checkMinReplicas(value: unknown): number {
  return checkWhole('minReplicas', value, 0, MAX_REPLICAS);
}

export function checkWhole(option: string, value: unknown, min: number, max: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
  throw new LockConfigError(
    `"${option}" must be a whole number from ${String(min)} to ${String(max)}, but is ${show(value)}.`,
  );
}

/** The option names of earlier versions, and their replacements. */
const FORMER_NAMES: Readonly<Record<string, string>> = {
  leaseMs: '"lease"',
  handOverMs: '"handOverTime"',
  nodes: '"quorum"',
  reentrant: `"nested": nested: 'refuse' for reentrant: false, and nested: 'join', the default, for reentrant: true`,
};

/** Rejects unknown options, since a misspelt option would silently have no effect. */
export function checkKnown(what: string, value: object, known: readonly string[]): void {
  const unknown = Object.keys(value).find((key) => !known.includes(key));
  if (unknown === undefined) return;
  const now = Object.hasOwn(FORMER_NAMES, unknown) ? FORMER_NAMES[unknown] : undefined;
  if (now !== undefined) throw new LockConfigError(`"${unknown}" is replaced by ${now}.`);
  throw new LockConfigError(`${what} has no option "${unknown}". Known: ${known.join(', ')}.`);
}

/** A value as text for a message. Text that may contain a password is not shown. */
export function show(value: unknown): string {
  if (typeof value === 'string') return /:\/\/|@/.test(value) ? 'a string that is not shown' : JSON.stringify(value);
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}
