/** The systems that can guard the rebuild: those of two articles, Redisson's algorithm, and this library. */
export const systems = {
  none: 'no guard',
  'lock-2013': '2013: SETNX + timestamp',
  'lock-2013-set': '2013, with SET for GETSET',
  'stage-1': 'stage 1: SETNX',
  'stage-2': 'stage 2: SETNX, EXPIRE',
  'stage-3': 'stage 3: SET NX EX',
  'stage-4': 'stage 4: UUID, GET, DEL',
  'stage-5': 'stage 5: UUID, Lua',
  'stage-5-printed': 'stage 5, as printed',
  redisson: "Redisson's way",
  'with-lock': '@WithLock',
} as const;

export type SystemName = keyof typeof systems;

export function isSystemName(name: string): name is SystemName {
  return Object.hasOwn(systems, name);
}
