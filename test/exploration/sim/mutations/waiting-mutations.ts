import type { Pulse } from '../../../../lib/stores/redis/connection/heartbeat.js';
import type { Sleep } from '../../../../lib/waiting/sleep.js';
import type { ReleaseWatch } from '../../../../lib/waiting/release-watch.js';
import type { LocalHolds } from '../../../../lib/waiting/local-holds.js';
import { replace } from '../library/replacement.js';
import { resubscribingQuietly, tryingOnce } from './faulty-waiting.js';
import { ALL, QUORUM, SINGLE, type ListedMutation } from './mutation.js';
import {
  LEFT_BY_ANOTHER,
  MISSED_NOTICE,
  NOTICE_DURING_TRY,
  RELEASED_BEFORE_SUBSCRIBED,
  SPLIT,
  VANISHED_LISTENER,
} from './waiting-schedules.js';

const WATCH = 'waiting/release-watch';

/** Faults in how waiters learn that a lock is free, and get it. */
export const WAITING_MUTATIONS: readonly ListedMutation[] = [
  {
    name: 'no second try after subscribing',
    nodes: SINGLE,
    replacements: [tryingOnce],
    examples: RELEASED_BEFORE_SUBSCRIBED,
  },
  {
    name: 'a notification is lost while a try is in flight',
    nodes: SINGLE,
    replacements: [
      replace<ReleaseWatch['untilTurn'], ReleaseWatch>(WATCH, 'ReleaseWatch.untilTurn', (untilTurn) => {
        return function (outlook, remainingMs) {
          return untilTurn.call(this, { ...outlook, notifications: this['notifications'] }, remainingMs);
        };
      }),
    ],
    examples: NOTICE_DURING_TRY,
  },
  {
    name: 'no waiter is woken while other processes go first',
    nodes: SINGLE,
    replacements: [replace<Sleep['endIn']>('waiting/sleep', 'Sleep.endIn', () => () => undefined)],
    examples: LEFT_BY_ANOTHER,
  },
  {
    name: 'deaf to notifications after a split vote',
    nodes: QUORUM,
    replacements: [
      replace<ReleaseWatch['sleepDeaf'], ReleaseWatch>(WATCH, 'ReleaseWatch.sleepDeaf', () => {
        return function (ms) {
          this['deaf'] = true;
          return this.sleep(ms);
        };
      }),
    ],
    examples: SPLIT,
  },
  {
    name: 'waiters are not told after a reconnection',
    nodes: SINGLE,
    replacements: [resubscribingQuietly],
    examples: [MISSED_NOTICE],
  },
  {
    name: 'a silent connection that listens is not replaced',
    nodes: ALL,
    replacements: [
      replace<Pulse['tick'], Pulse>('stores/redis/connection/heartbeat', 'Pulse.tick', (tick) => {
        return function () {
          this.heard();
          return tick.call(this);
        };
      }),
    ],
    examples: VANISHED_LISTENER,
  },
  {
    name: 'the next caller gets the lease that there is',
    nodes: ALL,
    replacements: [replace<LocalHolds['fits']>('waiting/local-holds', 'LocalHolds.fits', () => () => true)],
  },
];
