import { LockNameError } from '../../../errors/index.js';
import { quoteName } from '../../../errors/quote-name.js';
import type { KeyLayout } from '../scripts/key-layout.js';
import { hashedPart, hashSlot } from './hash-slot.js';

/**
 * The slot in which all keys and the channel of a lock are.
 *
 * @throws LockNameError if they are in several
 */
export function slotOfLock(layout: KeyLayout, name: string): number {
  const key = layout.lock(name);
  if (hashedPart(key) !== hashedPart(layout.token(name))) {
    throw new LockNameError(
      `The lock name ${quoteName(name)} cannot be used on a cluster: its braces put the lock and its fencing token into ` +
        'different hash slots. Use none, or one pair with something in it.',
      name,
    );
  }
  return hashSlot(key);
}
