import type { NoticeSubscriber } from '../../../lib/stores/redis/notifications/notice-subscriber.js';
import type { Pulse } from '../../../lib/stores/redis/connection/heartbeat.js';
import type { Pursuit } from '../../../lib/waiting/pursuit.js';
import type { Sleep } from '../../../lib/waiting/sleep.js';
import type { Vigil } from '../../../lib/waiting/vigil.js';
import type { WaitLine } from '../../../lib/waiting/wait-line.js';
import { replace } from '../library/replacement.js';
import { ALL, QUORUM, SINGLE, type ListedMutation } from './mutation.js';
import {
  LEFT_BY_ANOTHER,
  MISSED_NOTICE,
  NOTICE_DURING_TRY,
  RELEASED_BEFORE_SUBSCRIBED,
  SPLIT,
  VANISHED_LISTENER,
} from './waiting-schedules.js';

const PURSUIT = 'waiting/pursuit';
const VIGIL = 'waiting/vigil';

/** Faults in how waiters learn that a lock is free, and get it. */
export const WAITING_MUTATIONS: readonly ListedMutation[] = [
  {
    name: 'no second try after subscribing',
    nodes: SINGLE,
    replacements: [
      replace<Pursuit['rest'], Pursuit>(PURSUIT, 'Pursuit.rest', (rest) => {
        return function (reply, outlook) {
          rest.call(this, reply, { ...outlook, listening: true });
        };
      }),
    ],
    examples: RELEASED_BEFORE_SUBSCRIBED,
  },
  {
    name: 'a notification is lost while a try is in flight',
    nodes: SINGLE,
    replacements: [
      replace<Vigil['untilTurn'], Vigil>(VIGIL, 'Vigil.untilTurn', (untilTurn) => {
        return function (outlook, remainingMs, then) {
          untilTurn.call(this, { ...outlook, notices: this['notices'] }, remainingMs, then);
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
      replace<Vigil['sleepDeaf'], Vigil>(VIGIL, 'Vigil.sleepDeaf', () => {
        return function (ms, then) {
          this['deaf'] = true;
          this.sleep(ms, then);
        };
      }),
    ],
    examples: SPLIT,
  },
  {
    name: 'waiters are not told after a reconnection',
    nodes: SINGLE,
    replacements: [
      replace<NoticeSubscriber['resubscribe'], NoticeSubscriber>(
        'stores/redis/notifications/notice-subscriber',
        'NoticeSubscriber.resubscribe',
        () => {
          return function (channel) {
            channel.subscribed ??= this['subscribe'](channel);
          };
        },
      ),
    ],
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
    replacements: [replace<WaitLine['fits']>('waiting/wait-line', 'WaitLine.fits', () => () => true)],
  },
];
