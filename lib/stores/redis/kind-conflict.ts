import { LockConfigError } from '../../errors/index.js';
import { quoteName } from '../../errors/quote-name.js';
import type { WrongKindError } from '../wrong-kind-error.js';

/** What has a name in Redis: see `KIND`. */
export type FoundKind = 'none' | 'lock' | 'read-write' | 'semaphore' | 'latch' | 'counter' | 'other';

const TITLES: Partial<Record<FoundKind, string>> = {
  lock: 'a lock',
  'read-write': 'a read-write lock',
  semaphore: 'a semaphore',
  latch: 'a latch',
  counter: 'a semaphore or a latch of another program',
};

/**
 * The error for a request that was refused since something else has its name; `undefined` if that is no lock of any kind.
 *
 * @param wanted the kind of the request
 */
export function kindConflict(
  wanted: FoundKind,
  found: FoundKind,
  name: string,
  cause: WrongKindError,
): LockConfigError | undefined {
  if (wanted === 'semaphore' && (found === 'semaphore' || found === 'counter')) {
    return new LockConfigError(
      `Another program uses the semaphore ${quoteName(name)} in another way: it has taken permits without a lease, as ` +
        `Redisson's RSemaphore does, or has set another number of permits. Use RPermitExpirableSemaphore there, with the ` +
        `same number.`,
      name,
      { cause },
    );
  }
  const title = TITLES[found];
  if (title === undefined || found === wanted) return undefined;
  return new LockConfigError(
    `${quoteName(name)} is the name of ${title}. Use each name for one kind of lock only.`,
    name,
    { cause },
  );
}
