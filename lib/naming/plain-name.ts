import { LockNameError } from '../errors/index.js';
import { quoteName } from '../errors/quote-name.js';
import { foreignPlaceholder } from './foreign-placeholders.js';
import { checkLockName } from './lock-name.js';
import { ARGUMENT_ROOTS } from './name-template.js';

/**
 * Checks a name that is the same for all calls of a method.
 *
 * @param instead what to use for a name that differs between calls
 * @throws LockNameError also if it contains a placeholder, which would be literal text
 */
export function checkPlainName(name: unknown, instead: string): asserts name is string {
  checkLockName(name);
  const found = /<[^<>\s]+>/.exec(name)?.[0] ?? foreignPlaceholder(name, (root) => ARGUMENT_ROOTS.accepts(root));
  if (found === undefined) return;
  throw new LockNameError(
    `The name ${quoteName(name)} cannot be used: it is the same for all calls, so ${quoteName(found)} would be literal text. ` +
      `For a name that depends on the call, use ${instead}.`,
  );
}
