/**
 * What a call for a lock does inside a section of the same lock: `join` shares the lease of the section, `refuse`
 * rejects with `LockBusyError`, and `wait` waits for the lock like every other call.
 *
 * @publicApi
 */
export type NestedCall = 'join' | 'refuse' | 'wait';
