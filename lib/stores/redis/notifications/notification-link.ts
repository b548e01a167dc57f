/** The events of a link. */
export interface NotificationEvents {
  onMessage(channel: string): void;
  /** The subscriptions of these channels, or of all, are lost. */
  onLost(channels?: Iterable<string>): void;
  /** The connection is open again: subscribe again. */
  onBack(): void;
}

/** The connections for notifications: one, or in a cluster one to each node. */
export interface NotificationLink {
  /** Called once, before all other methods. */
  start(events: NotificationEvents): void;
  /**
   * Resolves when the server has confirmed the subscription; rejects with `LockUnavailableError` within a bounded time.
   */
  subscribe(channel: string): Promise<void>;
  /** If it fails, notifications of the channel still arrive and are ignored. */
  unsubscribe(channel: string): void;
  /** Replaces the connection, whose server is silent or no longer the master. */
  reconnect(): void;
  close(): void;
}
