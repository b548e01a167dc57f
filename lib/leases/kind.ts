import type { WaitRequest } from '../waiting/waiter.js';

/** The kinds of locks, each with names of its own. */
export type Kind = 'lock' | 'readWrite' | 'semaphore';

/** The kind of a request, or of a hold. A fair lock is an exclusive lock, too. */
export function kindOf({ permits, mode }: Pick<WaitRequest, 'permits' | 'mode'>): Kind {
  if (permits !== undefined) return 'semaphore';
  return mode === 'read' || mode === 'write' ? 'readWrite' : 'lock';
}
