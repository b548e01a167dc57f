import type { NotificationSubscription } from '../lock-store.js';

/** How long a waiter keeps its place without asking again, in ms. */
export const PLACE_MS = 5_000;

/** What the locks of one kind need of their store. */
export interface MemoryKindHost {
  /** Yields, like a request to a server, and returns the key of a name. Rejects if a lock of another kind has the name. */
  keyOf(name: string): Promise<string>;
  notify(channel: string): number;
  /** @param channelOf the channel of a key: the kinds have separate notifications */
  listen(name: string, channelOf: (key: string) => string, onNotification: () => void): NotificationSubscription;
}
