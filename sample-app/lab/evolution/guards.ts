import { systems } from './systems.js';

/** What can guard the catalog: each of the systems, and the single flight of this library. */
export const guards = { ...systems, 'single-flight': 'single flight' } as const;

export type GuardName = keyof typeof guards;

export function isGuardName(name: string): name is GuardName {
  return Object.hasOwn(guards, name);
}
