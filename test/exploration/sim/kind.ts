/** What callers use in place of each lock. */
export interface Kind {
  /** How many permits the semaphore has; `null`: it is no semaphore. */
  readonly permits: number | null;
  /**
   * Of a read-write lock: whether all callers write, or the schedule says who reads. `fair`: an exclusive lock whose callers are
   * served in the order of their requests, beside some that use it as an exclusive one. `latch`: callers set, count down and wait
   * for a latch.
   */
  readonly mode: 'write' | 'read-write' | 'fair' | 'latch' | null;
}

export const LOCK: Kind = { permits: null, mode: null };

const MODES = ['write', 'read-write', 'fair', 'latch'] as const;

/** @throws Error if there is no such kind */
export function kindOf(permits?: number, mode?: string): Kind {
  if (mode === undefined) return { permits: permits ?? null, mode: null };
  const known = MODES.find((each) => each === mode);
  if (known === undefined) throw new Error(`no kind "${mode}"`);
  return { permits: null, mode: known };
}

/** Whether it needs one server, or the memory of one process. */
export function needsOneState({ permits, mode }: Kind): boolean {
  return permits !== null || mode !== null;
}

/** Whether waiters have places in an order that is kept in the store, which a process that is killed leaves behind. */
export function hasPlaces(kind: Kind): boolean {
  return needsOneState(kind) && kind.mode !== 'latch';
}

/** The names of the local queues in a service that callers wait in. */
export function queuesOf(kind: Kind): readonly ('lock' | 'fair' | 'latch' | 'semaphore' | 'readWrite')[] {
  if (kind.permits !== null) return ['semaphore'];
  if (isReadWrite(kind)) return ['readWrite'];
  if (kind.mode === 'latch') return ['latch'];
  return kind.mode === 'fair' ? ['fair', 'lock'] : ['lock'];
}

export function isReadWrite({ mode }: Kind): boolean {
  return mode === 'write' || mode === 'read-write';
}
