import { LockNameError } from '../errors/index.js';
import { quoteName } from '../errors/quote-name.js';

const MAX_BYTES = 512;

/**
 * Checks a lock's name: a string of 1 to 512 bytes of well-formed Unicode. Lone surrogates are rejected: all of them
 * have the same encoding, so two names would be one lock.
 *
 * @throws LockNameError
 */
export function checkLockName(name: unknown): asserts name is string {
  if (typeof name !== 'string') {
    throw new LockNameError(`A lock's name must be a string, but it is ${describe(name)}.`);
  }
  if (name === '') throw new LockNameError("A lock's name must not be empty.");
  if (!name.isWellFormed()) {
    throw new LockNameError(`The lock name ${quoteName(name)} is not well-formed Unicode (lone surrogate).`);
  }
  const bytes = Buffer.byteLength(name);
  if (bytes > MAX_BYTES) {
    throw new LockNameError(
      `A lock's name may have at most ${String(MAX_BYTES)} bytes, but ${quoteName(name.slice(0, 40))}… has ${String(bytes)}. Use a hash of it.`,
    );
  }
}

function describe(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : typeof value === 'undefined' ? 'undefined' : `a ${typeof value}`;
}
