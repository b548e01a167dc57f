import { LockNameError } from '../../../errors/index.js';
import { quoteName } from '../../../errors/quote-name.js';
import type { KeyLayout } from '../scripts/key-layout.js';
import { hashedPart, hashSlot } from './hash-slot.js';

/**
 * The hash slot of all keys and the channel of a lock.
 *
 * @throws LockNameError if they are in different slots
 */
export function slotOfLock(layout: KeyLayout, name: string): number {
  const key = layout.lock(name);
  if (hashedPart(key) !== hashedPart(layout.token(name))) {
    throw new LockNameError(
      `The lock name ${quoteName(name)} cannot be used on a cluster: its braces put the lock and its fencing token into ` +
        'different hash slots. Use no braces, or one pair that is not empty.',
      name,
    );
  }
  return hashSlot(key);
}
