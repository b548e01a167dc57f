import type { MarkerAge } from '../../../../lib/stores/quorum/marker.js';
import type { RestartGuard } from '../../../../lib/stores/quorum/restart-guard.js';
import type { ServerNames } from '../../../../lib/stores/quorum/server-names.js';
import { replace } from '../library/replacement.js';
import { QUORUM, type ListedMutation } from './mutation.js';
import { CLOCK_SET_FORWARD, DENIED_INFO, POWER_CUT, TWO_NAMES, UNNOTICED_FLUSH } from './node-schedules.js';

const GUARD = 'stores/quorum/restart-guard';
const MARKER = 'stores/quorum/marker';

/** Faults in which node has a vote. */
export const NODE_MUTATIONS: readonly ListedMutation[] = [
  {
    name: 'no restart guard',
    nodes: QUORUM,
    replacements: [
      replace<MarkerAge['onReply'], MarkerAge>(MARKER, 'MarkerAge.onReply', (onReply) => {
        return function (reply) {
          return onReply.call(this, reply, 0);
        };
      }),
    ],
    examples: [POWER_CUT],
  },
  {
    name: 'the age of a marker by the clock of the server only',
    nodes: QUORUM,
    replacements: [
      replace<MarkerAge['onReply'], MarkerAge>(MARKER, 'MarkerAge.onReply', (onReply) => {
        return function (reply, guardMs) {
          const [id, byServer] = reply as unknown[];
          return onReply.call(this, [id, byServer, byServer], guardMs);
        };
      }),
    ],
    examples: CLOCK_SET_FORWARD,
  },
  {
    name: 'a lost marker is noticed by callers only',
    nodes: QUORUM,
    replacements: [
      replace<RestartGuard['onIdentified'], RestartGuard>(GUARD, 'RestartGuard.onIdentified', (onIdentified) => {
        return function () {
          onIdentified.call(this);
          this['retry'].stop();
        };
      }),
    ],
    examples: [UNNOTICED_FLUSH],
  },
  {
    name: 'a failed INFO is not repeated',
    nodes: QUORUM,
    replacements: [
      replace<RestartGuard['onFailure'], RestartGuard>(GUARD, 'RestartGuard.onFailure', (onFailure) => {
        return function (error) {
          onFailure.call(this, error);
          this['retry'].stop();
        };
      }),
    ],
    examples: [DENIED_INFO],
  },
  {
    name: 'a server votes under each of its names',
    nodes: [3],
    replacements: [replace<ServerNames['claim']>('stores/quorum/server-names', 'ServerNames.claim', () => () => null)],
    examples: TWO_NAMES,
  },
];
