/** What callers use in place of each lock. */
export interface Kind {
  /** How many permits the semaphore has; `null`: it is no semaphore. */
  readonly permits: number | null;
  /**
   * Of a read-write lock: whether all callers write, or the schedule says who reads. `fair`: an exclusive lock whose callers are
   * served in the order of their requests.
   */
  readonly mode: 'write' | 'read-write' | 'fair' | null;
}

export const LOCK: Kind = { permits: null, mode: null };

/** @throws Error if there is no such kind */
export function kindOf(permits?: number, mode?: string): Kind {
  if (mode === undefined) return { permits: permits ?? null, mode: null };
  if (mode === 'write' || mode === 'read-write' || mode === 'fair') return { permits: null, mode };
  throw new Error(`no kind "${mode}"`);
}

/** Whether waiters have places in an order that is kept in the store, which a process that is killed leaves behind. */
export function hasPlaces({ permits, mode }: Kind): boolean {
  return permits !== null || mode !== null;
}

/** The name that the local queues of the kind have in a service. */
export function queuesOf(kind: Kind): 'lock' | 'fair' | 'semaphore' | 'readWrite' {
  if (kind.permits !== null) return 'semaphore';
  if (isReadWrite(kind)) return 'readWrite';
  return kind.mode === 'fair' ? 'fair' : 'lock';
}

export function isReadWrite({ mode }: Kind): boolean {
  return mode === 'write' || mode === 'read-write';
}
