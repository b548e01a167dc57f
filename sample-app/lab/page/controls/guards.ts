import type { SystemName } from '../../evolution/systems.js';

interface Guard {
  readonly label: string;
  /** What is wrong with it, or that nothing is, in a sentence. */
  readonly says: string;
  readonly verdict: 'bad' | 'fair' | 'good';
}

/** The guards to choose from, in the order they were thought of. */
export const guards: Readonly<Record<SystemName, Guard>> = {
  none: {
    label: 'No guard',
    says: 'Every reader who finds the cache empty runs the slow query.',
    verdict: 'bad',
  },
  'lock-2013': {
    label: 'A lock of 2013',
    says: 'SETNX with a time in it, several nodes written one after another: two clients can both get it.',
    verdict: 'bad',
  },
  'lock-2013-set': {
    label: 'The same, with SET for GETSET',
    says: 'Two who see that a lock is over both overwrite it, and both believe it is theirs.',
    verdict: 'bad',
  },
  'stage-1': {
    label: 'Stage 1: SETNX',
    says: 'If the holder dies, nobody ever gets the lock again.',
    verdict: 'bad',
  },
  'stage-2': {
    label: 'Stage 2: SETNX, then EXPIRE',
    says: 'The same if the holder dies between the two commands.',
    verdict: 'bad',
  },
  'stage-3': {
    label: 'Stage 3: SET NX EX',
    says: 'A slow holder deletes the lock of the one who came after it.',
    verdict: 'bad',
  },
  'stage-4': {
    label: 'Stage 4: own id, GET, DEL',
    says: 'The lock may expire between the look and the delete: again somebody else’s lock is deleted.',
    verdict: 'bad',
  },
  'stage-5': {
    label: 'Stage 5: own id, Lua',
    says: 'Releases safely, but work that takes longer than the expiry loses the lock without a word.',
    verdict: 'fair',
  },
  'stage-5-printed': {
    label: 'Stage 5, as printed',
    says: 'The same, but it compares the lock with itself, so that everybody may delete it.',
    verdict: 'bad',
  },
  redisson: {
    label: 'Redisson’s way',
    says: 'Renews while it works, but its plain lock has no token: a holder that was frozen can still write too late.',
    verdict: 'fair',
  },
  'with-lock': {
    label: '@WithLock',
    says: 'Renews, wakes the next one at once, and its token lets the database refuse whoever is too late.',
    verdict: 'good',
  },
};
