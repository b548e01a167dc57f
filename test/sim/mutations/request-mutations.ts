import type { RedisStore } from '../../../lib/stores/redis/redis-store.js';
import type { Settler } from '../../../lib/stores/settler.js';
import type { Pursuit } from '../../../lib/waiting/pursuit.js';
import type { WaitLine } from '../../../lib/waiting/wait-line.js';
import { replace } from '../library/replacement.js';
import { ALL, SINGLE, type ListedMutation } from './mutation.js';
import { KEPT_ACQUIRE, LOST_RELEASE, PAUSED_MAJORITY, SLOW_LINK } from './request-schedules.js';

const PURSUIT = 'waiting/pursuit';
const NEVER = new Promise<never>(() => undefined);

/** Faults in what follows a request whose reply is late, lost, or of no use any more. */
export const REQUEST_MUTATIONS: readonly ListedMutation[] = [
  {
    name: 'a grant that no caller waits for is kept',
    nodes: ALL,
    replacements: [
      replace<Pursuit['finish'], Pursuit>(PURSUIT, 'Pursuit.finish', (finish) => {
        return function (hold) {
          finish.call(this, this['line'].head() === null ? null : hold);
        };
      }),
    ],
  },
  {
    name: 'a late grant is dropped',
    nodes: SINGLE,
    replacements: [
      replace<Pursuit['waitFor'], Pursuit>(PURSUIT, 'Pursuit.waitFor', (waitFor) => {
        return function (late) {
          waitFor.call(
            this,
            late.then(() => NEVER),
          );
        };
      }),
    ],
    examples: SLOW_LINK,
  },
  {
    name: 'no clean-up after a lost reply',
    nodes: SINGLE,
    replacements: [
      replace<Pursuit['clear'], Pursuit>(PURSUIT, 'Pursuit.clear', () => {
        return function () {
          this['vigil'].close();
        };
      }),
    ],
  },
  {
    name: 'no clean-up after a lost release',
    nodes: SINGLE,
    replacements: [
      replace<WaitLine['releaseInBackground']>(
        'waiting/wait-line',
        'WaitLine.releaseInBackground',
        () => () => undefined,
      ),
    ],
    examples: [LOST_RELEASE],
  },
  {
    name: 'a release is not repeated for a lost acquire',
    nodes: ALL,
    replacements: [
      replace<RedisStore['repeatRelease']>(
        'stores/redis/redis-store',
        'RedisStore.repeatRelease',
        () => () => undefined,
      ),
    ],
    examples: KEPT_ACQUIRE,
  },
  {
    name: 'a clean-up ends with the lease though the request may still come',
    nodes: [3],
    replacements: [
      replace<Settler['settle'], Settler>('stores/settler', 'Settler.settle', (settle) => {
        return function (name, owner, leaseMs, options) {
          settle.call(this, name, owner, leaseMs, { ...options, inDoubt: false });
        };
      }),
    ],
    examples: PAUSED_MAJORITY,
  },
];
