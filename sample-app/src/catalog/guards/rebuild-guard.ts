/** What stands between a cache miss and the rebuild. */
export interface RebuildGuard {
  /** The JSON of a section that was not in the cache a moment ago. */
  rebuild(section: string): Promise<string>;
}

/** The token of the guard that the configuration chose. */
export const REBUILD_GUARD = Symbol('REBUILD_GUARD');
