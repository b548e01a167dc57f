import type { GuardName } from '../../evolution/guards.js';

interface Guard {
  readonly label: string;
  /** Its flaw, or that it has none, in one sentence. */
  readonly says: string;
  readonly verdict: 'bad' | 'fair' | 'good';
}

/** The guards to choose from, in the order they were thought of. */
export const guards: Readonly<Record<GuardName, Guard>> = {
  none: {
    label: 'No guard',
    says: 'Every reader that finds the cache empty runs the slow query.',
    verdict: 'bad',
  },
  'lock-2013': {
    label: 'A lock of 2013',
    says: 'SETNX with a time as value, several nodes written in sequence: two clients can both get it.',
    verdict: 'bad',
  },
  'lock-2013-set': {
    label: 'The same, with SET for GETSET',
    says: 'Two callers that see an expired lock both overwrite it, and both believe that they hold it.',
    verdict: 'bad',
  },
  'stage-1': {
    label: 'Stage 1: SETNX',
    says: 'If the holder dies, the lock stays taken forever.',
    verdict: 'bad',
  },
  'stage-2': {
    label: 'Stage 2: SETNX, then EXPIRE',
    says: 'The same if the holder dies between the two commands.',
    verdict: 'bad',
  },
  'stage-3': {
    label: 'Stage 3: SET NX EX',
    says: 'A slow holder deletes the lock of the next holder.',
    verdict: 'bad',
  },
  'stage-4': {
    label: 'Stage 4: own id, GET, DEL',
    says: 'The lock may expire between the check and the delete: again the lock of the next holder is deleted.',
    verdict: 'bad',
  },
  'stage-5': {
    label: 'Stage 5: own id, Lua',
    says: 'Releases safely, but work that takes longer than the expiry loses the lock without notice.',
    verdict: 'fair',
  },
  'stage-5-printed': {
    label: 'Stage 5, as printed',
    says: 'The same, but it compares the lock with itself, so every caller may delete it.',
    verdict: 'bad',
  },
  redisson: {
    label: 'Redisson’s way',
    says: 'Renews while it works, but its plain lock has no token: a holder that was suspended can still write too late.',
    verdict: 'fair',
  },
  'with-lock': {
    label: '@WithLock',
    says: 'Renews, notifies the next waiter at once, and has a token with which the database rejects late writes.',
    verdict: 'good',
  },
  'single-flight': {
    label: 'Single flight',
    says: 'The same lock for the one that rebuilds; the others wait for the value, and take no lock.',
    verdict: 'good',
  },
};
