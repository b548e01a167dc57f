import { ConnectionWatch } from './connection-watch.js';
import type { NoticeEvents, NoticeLink } from './notice-link.js';
import type { RedisClient } from './redis-client.js';
import { confirmed } from './confirmed.js';

/** Notices over one connection, opened when the first caller has to wait, and made anew by itself when it is cut. */
export class SingleLink implements NoticeLink {
  private connection: ConnectionWatch | null = null;
  private events: NoticeEvents | null = null;

  /** @param open makes the connection; it must not subscribe again by itself after a reconnection */
  constructor(
    private readonly open: () => RedisClient,
    private readonly timeoutMs: number,
  ) {}

  start(events: NoticeEvents): void {
    this.events = events;
  }

  async subscribe(channel: string): Promise<void> {
    const connection = (this.connection ??= this.connect());
    await connection.whenReady(this.timeoutMs);
    await confirmed(connection.client.call('subscribe', channel), this.timeoutMs);
  }

  unsubscribe(channel: string): void {
    if (this.connection?.ready === true) this.connection.client.call('unsubscribe', channel).catch(() => undefined);
  }

  reconnect(): void {
    if (this.connection?.ready === true) this.connection.client.disconnect(true);
  }

  close(): void {
    if (this.connection === null) return;
    const { client } = this.connection;
    client.off('message', this.onMessage);
    client.off('ready', this.onReady);
    client.off('close', this.onClose);
    this.connection.dispose();
    client.disconnect();
  }

  private connect(): ConnectionWatch {
    const client = this.open();
    client.on('message', this.onMessage);
    client.on('ready', this.onReady);
    client.on('close', this.onClose);
    return new ConnectionWatch(client, true, this.timeoutMs);
  }

  private readonly onMessage = (channel: unknown): void => {
    this.events?.onMessage(String(channel));
  };

  private readonly onClose = (): void => {
    this.events?.onLost();
  };

  private readonly onReady = (): void => {
    this.events?.onBack();
  };
}
