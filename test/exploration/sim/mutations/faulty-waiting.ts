import type { NotificationSubscriber } from '../../../../lib/stores/redis/notifications/notification-subscriber.js';
import type { AbandonedAcquires } from '../../../../lib/stores/redis/scripts/abandoned-acquires.js';
import type { AcquireLoop } from '../../../../lib/waiting/acquire-loop.js';
import { replace } from '../library/replacement.js';

const LOOP = 'waiting/acquire-loop';

/** After its subscription is active, a waiter does not look whether it was notified before. */
export const tryingOnce = replace<AcquireLoop['waitBehind'], AcquireLoop>(
  LOOP,
  'AcquireLoop.waitBehind',
  (waitBehind) =>
    async function (reply, outlook) {
      if (!outlook.listening) await waitBehind.call(this, reply, outlook);
      await waitBehind.call(this, reply, { ...outlook, listening: true });
    },
);

/** Waiters are not notified after a reconnection. */
export const resubscribingQuietly = replace<NotificationSubscriber['resubscribe'], NotificationSubscriber>(
  'stores/redis/notifications/notification-subscriber',
  'NotificationSubscriber.resubscribe',
  () =>
    function (channel) {
      channel.subscribed ??= this['subscribe'](channel);
    },
);

/** A waiter that leaves keeps its place. */
export const keepingPlace = replace<AcquireLoop['leaveOwner'], AcquireLoop>(
  LOOP,
  'AcquireLoop.leaveOwner',
  (leave) =>
    function () {
      this['queued'] = false;
      leave.call(this);
    },
);

/** A place is not taken back that a closed connection brings late. */
export const keepingLatePlace = replace<AbandonedAcquires['onCut'], AbandonedAcquires>(
  'stores/redis/scripts/abandoned-acquires',
  'AbandonedAcquires.onCut',
  (onCut) =>
    function (request, ms) {
      onCut.call(this, { ...request, waits: false }, ms);
    },
);
