import { ConnectionWatch } from '../connection/connection-watch.js';
import { confirmed } from './confirmed.js';
import { Pulse, type Heartbeat } from '../connection/heartbeat.js';
import type { NotificationEvents, NotificationLink } from './notification-link.js';
import type { RedisClient } from '../connection/redis-client.js';

interface Connection {
  readonly client: RedisClient;
  readonly watch: ConnectionWatch;
  readonly pulse: Pulse;
}

/**
 * Notifications over one connection. It is opened when the first caller must wait, and reconnects when it is closed.
 */
export class SingleLink implements NotificationLink {
  private connection: Connection | null = null;
  private events: NotificationEvents | null = null;
  /** The channels whose subscription was requested: the server may have subscribed them even if no reply arrived. */
  private readonly asked = new Set<string>();

  /** @param open opens the connection, which must not resubscribe by itself after a reconnection */
  constructor(
    private readonly open: () => RedisClient,
    private readonly timeoutMs: number,
    private readonly heartbeat: Heartbeat,
  ) {}

  start(events: NotificationEvents): void {
    this.events = events;
  }

  async subscribe(channel: string): Promise<void> {
    const { client, watch, pulse } = (this.connection ??= this.connect());
    this.asked.add(channel);
    this.heartbeat.add(pulse);
    await watch.whenReady(this.timeoutMs);
    await confirmed(client.call('subscribe', channel), this.timeoutMs);
    pulse.heard();
  }

  unsubscribe(channel: string): void {
    this.asked.delete(channel);
    if (this.connection?.watch.ready !== true) return;
    const { client, pulse } = this.connection;
    pulse.awaitAnswer(client.call('unsubscribe', channel));
  }

  reconnect(): void {
    if (this.connection?.watch.ready === true) this.connection.client.disconnect(true);
  }

  close(): void {
    if (this.connection === null) return;
    const { client, watch, pulse } = this.connection;
    this.heartbeat.remove(pulse);
    client.off('message', this.onMessage);
    client.off('ready', this.onReady);
    client.off('close', this.onClose);
    watch.dispose();
    client.disconnect();
  }

  private connect(): Connection {
    const client = this.open();
    client.on('message', this.onMessage);
    client.on('ready', this.onReady);
    client.on('close', this.onClose);
    const watch = new ConnectionWatch(client, true, this.timeoutMs);
    const inUse = (): boolean => this.asked.size > 0;
    const replace = (): void => {
      client.disconnect(true);
    };
    return { client, watch, pulse: new Pulse(client, inUse, replace) };
  }

  private readonly onMessage = (channel: unknown): void => {
    this.connection?.pulse.heard();
    this.events?.onMessage(String(channel));
  };

  private readonly onClose = (): void => {
    this.events?.onLost();
  };

  private readonly onReady = (): void => {
    this.connection?.pulse.heard();
    this.events?.onBack();
  };
}
