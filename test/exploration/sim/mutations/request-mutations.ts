import type { RedisKind } from '../../../../lib/stores/redis/redis-kind.js';
import type { CleanUps } from '../../../../lib/stores/clean-ups.js';
import type { AcquireLoop } from '../../../../lib/waiting/acquire-loop.js';
import type { LocalHolds } from '../../../../lib/waiting/local-holds.js';
import { replace } from '../library/replacement.js';
import { ALL, SINGLE, type ListedMutation } from './mutation.js';
import { KEPT_ACQUIRE, LOST_RELEASE, PAUSED_MAJORITY, SLOW_LINK } from './request-schedules.js';

const LOOP = 'waiting/acquire-loop';
const NEVER = new Promise<never>(() => undefined);

/** Faults in what follows a request whose reply is late, lost, or of no use any more. */
export const REQUEST_MUTATIONS: readonly ListedMutation[] = [
  {
    name: 'a grant that no caller waits for is kept',
    nodes: ALL,
    replacements: [
      replace<LocalHolds['serve'], LocalHolds>('waiting/local-holds', 'LocalHolds.serve', (serve) => {
        return function (hold) {
          if (this.waiters.size === 0) this.proceed();
          else serve.call(this, hold);
        };
      }),
    ],
  },
  {
    name: 'a late grant is dropped',
    nodes: SINGLE,
    replacements: [
      replace<AcquireLoop['lateReply'], AcquireLoop>(LOOP, 'AcquireLoop.lateReply', (lateReply) => {
        return function (error) {
          return lateReply.call(this, error).then(() => NEVER);
        };
      }),
    ],
    examples: SLOW_LINK,
  },
  {
    name: 'no clean-up after a lost reply',
    nodes: SINGLE,
    replacements: [
      replace<AcquireLoop['close'], AcquireLoop>(LOOP, 'AcquireLoop.close', () => {
        return function () {
          this['releaseWatch'].close();
        };
      }),
    ],
  },
  {
    name: 'no clean-up after a lost release',
    nodes: SINGLE,
    replacements: [
      replace<LocalHolds['releaseInBackground']>(
        'waiting/local-holds',
        'LocalHolds.releaseInBackground',
        () => () => undefined,
      ),
    ],
    examples: [LOST_RELEASE],
  },
  {
    name: 'a release is not repeated for a lost acquire',
    nodes: ALL,
    replacements: [
      replace<RedisKind['repeatRelease']>('stores/redis/redis-kind', 'RedisKind.repeatRelease', () => () => undefined),
    ],
    examples: KEPT_ACQUIRE,
  },
  {
    name: 'a clean-up ends with the lease though the request may still come',
    nodes: [3],
    replacements: [
      replace<CleanUps['add'], CleanUps>('stores/clean-ups', 'CleanUps.add', (add) => {
        return function (name, owner, leaseMs, options) {
          add.call(this, name, owner, leaseMs, { ...options, inDoubt: false });
        };
      }),
    ],
    examples: PAUSED_MAJORITY,
  },
];
