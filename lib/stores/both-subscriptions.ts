import type { NotificationSubscription } from './lock-store.js';

/** Two subscriptions as one. */
export function both(one: NotificationSubscription, other: NotificationSubscription): NotificationSubscription {
  return {
    get active() {
      return one.active && other.active;
    },
    activate: async () => {
      await Promise.all([one.activate(), other.activate()]);
    },
    close: () => {
      one.close();
      other.close();
    },
  };
}
