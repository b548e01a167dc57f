import type { MemoryState } from '../../../../lib/stores/memory/memory-state.js';
import type { MemoryStore } from '../../../../lib/stores/memory/memory-store.js';
import { replace } from '../library/replacement.js';
import { MEMORY, type ListedMutation } from './mutation.js';

const STATE = 'stores/memory/memory-state';
const STORE = 'stores/memory/memory-store';

/** Faults in the memory store. */
export const MEMORY_MUTATIONS: readonly ListedMutation[] = [
  {
    name: 'no compare in a release in memory',
    nodes: MEMORY,
    replacements: [
      replace<MemoryStore['release'], MemoryStore>(STORE, 'MemoryStore.release', (release) => {
        return function (name, owner, keepMs) {
          const holder = this['state'].read(this['keyPrefix'] + name)?.owner;
          return release.call(this, name, holder ?? owner, keepMs);
        };
      }),
    ],
  },
  {
    name: 'no notification on a release in memory',
    nodes: MEMORY,
    replacements: [replace<MemoryState['notify']>(STATE, 'MemoryState.notify', () => () => 0)],
  },
  {
    name: 'no compare in a renewal in memory',
    nodes: MEMORY,
    replacements: [
      replace<MemoryStore['renew'], MemoryStore>(STORE, 'MemoryStore.renew', (renew) => {
        return async function (request) {
          return { ...(await renew.call(this, request)), held: true };
        };
      }),
    ],
  },
  {
    name: 'tokens in memory from the counter only',
    nodes: MEMORY,
    replacements: [
      replace<MemoryState['reserveTokens'], MemoryState>(STATE, 'MemoryState.reserveTokens', () => {
        return function (key, count) {
          const first = (this.lastToken(key) ?? 0) + 1;
          this['tokens'].set(key, first + count - 1);
          return first;
        };
      }),
    ],
  },
];
