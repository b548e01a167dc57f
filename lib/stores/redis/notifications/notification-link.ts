/** What a link reports. */
export interface NotificationEvents {
  onMessage(channel: string): void;
  /** These channels, or all, are not subscribed to any more. */
  onLost(channels?: Iterable<string>): void;
  /** The connection is back: subscribe again. */
  onBack(): void;
}

/** The way by which notifications come: one connection, or in a cluster one to each node. */
export interface NotificationLink {
  /** Called once, before anything else. */
  start(events: NotificationEvents): void;
  /** Resolves when the server has confirmed it; rejects with `LockUnavailableError` within a bounded time. */
  subscribe(channel: string): Promise<void>;
  /** If it fails, notifications still arrive for a channel without listeners. */
  unsubscribe(channel: string): void;
  /** Leaves the server it is connected to, which is silent or no longer the master. */
  reconnect(): void;
  close(): void;
}
