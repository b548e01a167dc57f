import type { Election } from '../../../../lib/stores/quorum/election.js';
import type { QuorumStore } from '../../../../lib/stores/quorum/quorum-store.js';
import type { CleanUps } from '../../../../lib/stores/clean-ups.js';
import { replace } from '../library/replacement.js';
import { NEARLY_ISOLATED_HOLDER, SLOW_GRANT } from './lease-schedules.js';
import { QUORUM, type ListedMutation } from './mutation.js';

const ELECTION = 'stores/quorum/election';
const STORE = 'stores/quorum/quorum-store';

/** Faults in how the votes of several nodes are counted and given back. */
export const VOTE_MUTATIONS: readonly ListedMutation[] = [
  {
    name: 'a majority less one',
    nodes: QUORUM,
    replacements: [
      replace<(nodes: number) => number>(STORE, 'majorityOf', (majorityOf) => (nodes) => majorityOf(nodes) - 1),
    ],
  },
  {
    name: 'a silent node votes for the rival',
    nodes: QUORUM,
    replacements: [replace<Election['isStaying']>(ELECTION, 'Election.isStaying', () => () => true)],
    away: true,
  },
  {
    name: 'no second phase (tokens are not written back)',
    nodes: QUORUM,
    replacements: [
      replace<Election['writeBack']>(ELECTION, 'Election.writeBack', () => (token) => Promise.resolve({ token })),
    ],
  },
  {
    name: 'a split vote is not given back',
    nodes: QUORUM,
    replacements: [replace<QuorumStore['giveBack']>(STORE, 'QuorumStore.giveBack', () => () => undefined)],
  },
  {
    name: 'a failed release on a node is not tried again',
    nodes: QUORUM,
    replacements: [
      replace<CleanUps['add'], CleanUps>('stores/clean-ups', 'CleanUps.add', (add) => {
        return function (...request) {
          const ofNode = this['untilLeaseEnds'];
          if (!ofNode) add.apply(this, request);
        };
      }),
    ],
  },
  {
    name: 'the deadline counts from the last round',
    nodes: QUORUM,
    replacements: [
      replace<QuorumStore['acquire'], QuorumStore>(STORE, 'QuorumStore.acquire', (acquire, now) => {
        return async function (...request) {
          const reply = await acquire.apply(this, request);
          return reply.taken ? { ...reply, sentAt: now() } : reply;
        };
      }),
    ],
    examples: SLOW_GRANT,
  },
  {
    name: 'one node’s renewal is enough',
    nodes: QUORUM,
    replacements: [
      replace<QuorumStore['renew'], QuorumStore>(STORE, 'QuorumStore.renew', (renew) => {
        return function (...request) {
          const majority: QuorumStore['majority'] = 1;
          return renew.apply(Object.create(this, { majority: { value: majority } }) as QuorumStore, request);
        };
      }),
    ],
    examples: [NEARLY_ISOLATED_HOLDER],
  },
];
