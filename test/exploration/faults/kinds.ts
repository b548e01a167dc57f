/** What the locks of a run are. */
export interface LockKind {
  readonly name: KindName;
  /** How many permits each lock has. One caller takes all of them, or some: an exclusive lock has one. */
  readonly permits: number;
}

/** `write`: a read-write lock that nobody reads. */
export type KindName = 'exclusive' | 'fair' | 'write' | 'semaphore' | 'read-write';

export const KINDS: readonly KindName[] = ['exclusive', 'fair', 'write', 'semaphore', 'read-write'];

/** Of a read-write lock, a reader takes one of them, and a writer all: there are never so many readers. */
const DEFAULT_PERMITS: Readonly<Record<KindName, number>> = {
  exclusive: 1,
  fair: 1,
  write: 1,
  semaphore: 5,
  'read-write': 1_000,
};

/**
 * @param permits how many permits there are, if the kind has no number of its own
 * @throws Error if there is no such kind, or if it has no permits
 */
export function kindOf(name: string, permits: number | undefined): LockKind {
  const known = KINDS.find((each) => each === name);
  if (known === undefined) throw new Error(`--kind must be one of: ${KINDS.join(', ')}.`);
  if (permits !== undefined && known !== 'semaphore') throw new Error('--permits is for --kind semaphore.');
  return { name: known, permits: permits ?? DEFAULT_PERMITS[known] };
}

/** Whether a resource can refuse late writes by their tokens: not if several callers with tokens of their own are inside. */
export function hasOrder({ name, permits }: LockKind): boolean {
  return name === 'read-write' || permits === 1;
}

/** Whether locks of this kind can be on several independent nodes. */
export function needsOneState({ name }: LockKind): boolean {
  return name !== 'exclusive';
}
