/**
 * What a call does that comes from inside a section of the same lock.
 *
 * @publicApi
 */
export type NestedCall = 'join' | 'refuse' | 'wait';
