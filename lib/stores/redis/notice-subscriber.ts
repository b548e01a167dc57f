import { LockUnavailableError } from '../../errors/index.js';
import type { NoticeSubscription } from '../lock-store.js';
import { ConnectionWatch } from './connection-watch.js';
import type { RedisClient } from './redis-client.js';
import { isServerError, refused, unanswered } from './server-error.js';

interface Channel {
  readonly name: string;
  readonly listeners: Set<() => void>;
  /** Whether Redis confirmed the subscription on the connection that is open now. */
  confirmed: boolean;
  /** The subscription under way or confirmed; `null`: none. */
  subscribed: Promise<void> | null;
  linger: NodeJS.Timeout | null;
}

const LINGER_MS = 1_000;

/**
 * One connection for the release notices of all locks, opened when the first caller has to wait. A channel stays
 * subscribed for a moment after its last listener left, since a contended lock is soon waited for again.
 */
export class NoticeSubscriber {
  private readonly channels = new Map<string, Channel>();
  private connection: ConnectionWatch | null = null;
  private closed = false;

  /** @param open makes the connection; it must not subscribe again by itself after a reconnection */
  constructor(
    private readonly open: () => RedisClient,
    private readonly timeoutMs: number,
  ) {}

  /** Whether this subscriber itself is among those that a notice on `channel` reaches. */
  hears(channel: string): boolean {
    return this.channels.get(channel)?.confirmed ?? false;
  }

  /** `listener` also runs when notices may have been missed. */
  listen(name: string, listener: () => void): NoticeSubscription {
    const channel = this.channels.get(name) ?? this.addChannel(name);
    channel.listeners.add(listener);
    if (channel.linger !== null) clearTimeout(channel.linger);
    channel.linger = null;
    return {
      get active() {
        return channel.confirmed;
      },
      activate: () => (channel.subscribed ??= this.subscribe(channel)),
      close: () => {
        channel.listeners.delete(listener);
        if (channel.listeners.size === 0 && channel.linger === null && !this.closed) this.leave(channel);
      },
    };
  }

  /** Subscribes and unsubscribes once, to see whether it is allowed. */
  async probe(name: string): Promise<void> {
    const subscription = this.listen(name, () => undefined);
    try {
      await subscription.activate();
    } finally {
      subscription.close();
    }
  }

  /** Leaves the server it is connected to, which is silent or no longer the master. */
  reconnect(): void {
    if (this.connection?.ready === true) this.connection.client.disconnect(true);
  }

  close(): void {
    this.closed = true;
    for (const { linger } of this.channels.values()) if (linger !== null) clearTimeout(linger);
    this.channels.clear();
    if (this.connection === null) return;
    const { client } = this.connection;
    client.off('message', this.onMessage);
    client.off('ready', this.onReady);
    client.off('close', this.onClose);
    this.connection.dispose();
    client.disconnect();
  }

  private addChannel(name: string): Channel {
    const channel: Channel = { name, listeners: new Set(), confirmed: false, subscribed: null, linger: null };
    this.channels.set(name, channel);
    return channel;
  }

  private leave(channel: Channel): void {
    channel.linger = setTimeout(() => {
      this.channels.delete(channel.name);
      if (channel.confirmed) this.unsubscribe(channel.name);
    }, LINGER_MS);
    channel.linger.unref();
  }

  /** If it fails, notices go on coming for a channel nobody listens to; the next reconnection ends that. */
  private unsubscribe(name: string): void {
    if (this.closed || this.connection?.ready !== true || this.channels.has(name)) return;
    this.connection.client.call('unsubscribe', name).catch(() => undefined);
  }

  private subscribe(channel: Channel): Promise<void> {
    const subscribed = this.sendSubscribe(channel.name).then(
      () => {
        if (this.channels.get(channel.name) !== channel) this.unsubscribe(channel.name);
        else if (channel.subscribed === subscribed) channel.confirmed = true;
      },
      (error: unknown) => {
        // The next one to ask tries again.
        if (channel.subscribed === subscribed) channel.subscribed = null;
        throw error;
      },
    );
    // Whoever needs the outcome awaits it; a listener that has left must not turn it into an unhandled rejection.
    subscribed.catch(() => undefined);
    return subscribed;
  }

  private async sendSubscribe(name: string): Promise<void> {
    if (this.closed) throw unanswered(new Error('the subscriber is closed'));
    const connection = (this.connection ??= this.connect());
    await connection.whenReady(this.timeoutMs);
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        const what = `Redis did not confirm a subscription within ${String(this.timeoutMs)} ms.`;
        reject(new LockUnavailableError(what, undefined, { retryable: true, outcomeUnknown: false }));
      }, this.timeoutMs);
    });
    try {
      await Promise.race([connection.client.call('subscribe', name), timeout]);
    } catch (error) {
      if (error instanceof LockUnavailableError) throw error;
      if (isServerError(error)) throw refused(error, undefined);
      throw unanswered(error);
    } finally {
      clearTimeout(timer);
    }
  }

  private connect(): ConnectionWatch {
    const client = this.open();
    client.on('message', this.onMessage);
    client.on('ready', this.onReady);
    client.on('close', this.onClose);
    return new ConnectionWatch(client, true, this.timeoutMs);
  }

  private readonly onMessage = (name: unknown): void => {
    const channel = this.channels.get(String(name));
    if (channel !== undefined) for (const listener of [...channel.listeners]) listener();
  };

  private readonly onClose = (): void => {
    for (const channel of this.channels.values()) {
      channel.subscribed = null;
      channel.confirmed = false;
    }
  };

  /** Notices were missed while the connection was down: subscribe again, then let everyone look for himself. */
  private readonly onReady = (): void => {
    for (const channel of this.channels.values()) {
      if (channel.listeners.size === 0) continue;
      const tell = (): void => {
        this.onMessage(channel.name);
      };
      channel.subscribed ??= this.subscribe(channel);
      channel.subscribed.then(tell, tell);
    }
  };
}
