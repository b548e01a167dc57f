import { inServiceContext } from '../../../context/service-context.js';
import { monotonic } from '../../../time/clock.js';
import { Timer } from '../../../time/timer.js';
import type { NotificationSubscription } from '../../lock-store.js';
import type { NotificationLink } from './notification-link.js';
import { unanswered } from '../connection/server-error.js';

interface Channel {
  readonly name: string;
  readonly listeners: Set<() => void>;
  /** Whether a subscription was ever requested: Redis may have executed it even if its reply was lost. */
  asked: boolean;
  /** Whether Redis confirmed the subscription on the connection that is open now. */
  confirmed: boolean;
  /** Grows with each notification. */
  heard: number;
  /** The pending or confirmed subscription; `null` if there is none. */
  subscribed: Promise<void> | null;
  /** When the last listener was removed, on the monotonic clock; `null` while there are listeners. */
  leftAt: number | null;
}

/** How long a channel stays subscribed after its last listener was removed, in ms. */
const LINGER_MS = 1_000;
/** The shortest time between two checks for channels without listeners, in ms. */
const SWEEP_MS = 250;

/**
 * Delivers the release notifications of all locks to the waiters of this process. A channel stays subscribed for a
 * while after its last listener was removed, since a contended lock soon has waiters again.
 */
export class NotificationSubscriber {
  private readonly channels = new Map<string, Channel>();
  private closed = false;
  /** The number of all notifications so far. */
  private received = 0;
  /** One timer for all channels without listeners, so that adding and removing a listener needs no timer. */
  private readonly sweep = new Timer(() => {
    this.onSweep();
  }, false);

  constructor(private readonly link: NotificationLink) {
    link.start({ onMessage: this.onMessage, onLost: this.onLost, onBack: this.onBack });
  }

  /** Whether this subscriber itself receives notifications on `channel`. */
  hears(channel: string): boolean {
    return this.channels.get(channel)?.confirmed ?? false;
  }

  /** Whether there are no channels. */
  get idle(): boolean {
    return this.channels.size === 0;
  }

  /** Grows with each notification on `channel`; `undefined` without a confirmed subscription. */
  heard(channel: string): number | undefined {
    const known = this.channels.get(channel);
    return known?.confirmed === true ? known.heard : undefined;
  }

  /** `listener` also runs when notifications may have been missed. */
  listen(name: string, listener: () => void): NotificationSubscription {
    const channel = this.channels.get(name) ?? this.addChannel(name);
    channel.listeners.add(listener);
    channel.leftAt = null;
    return {
      get active() {
        return channel.confirmed;
      },
      activate: () => (channel.subscribed ??= inServiceContext(() => this.subscribe(channel))),
      close: () => {
        channel.listeners.delete(listener);
        if (channel.listeners.size > 0 || this.closed) return;
        channel.leftAt ??= monotonic();
        this.sweepIn(LINGER_MS);
      },
    };
  }

  /** Subscribes once, to test the permission. Like every unused channel, this one is unsubscribed a moment later. */
  async probe(name: string): Promise<void> {
    const subscription = this.listen(name, () => undefined);
    try {
      await subscription.activate();
    } finally {
      subscription.close();
    }
  }

  /** Replaces the connection, whose server is silent or no longer the master. */
  reconnect(): void {
    this.link.reconnect();
  }

  close(): void {
    this.closed = true;
    this.sweep.stop();
    this.channels.clear();
    this.link.close();
  }

  private addChannel(name: string): Channel {
    const channel: Channel = {
      name,
      listeners: new Set(),
      asked: false,
      confirmed: false,
      // If the channel was removed and is added again, its count must not start below the last one.
      heard: this.received,
      subscribed: null,
      leftAt: null,
    };
    this.channels.set(name, channel);
    return channel;
  }

  private sweepIn(ms: number): void {
    if (!this.sweep.running) this.sweep.start(ms);
  }

  private onSweep(): void {
    const now = monotonic();
    let next = Infinity;
    for (const { name, leftAt, asked } of [...this.channels.values()]) {
      if (leftAt === null) continue;
      const left = leftAt + LINGER_MS - now;
      if (left > 0) {
        next = Math.min(next, left);
        continue;
      }
      this.channels.delete(name);
      if (asked) this.unsubscribe(name);
    }
    if (next < Infinity) this.sweepIn(Math.max(next, SWEEP_MS));
  }

  private unsubscribe(name: string): void {
    if (!this.closed && !this.channels.has(name)) this.link.unsubscribe(name);
  }

  /**
   * Called when the outcome of a subscription arrives after its channel was removed. If the channel has been added
   * again since, the new entry takes over the subscription and ends it later.
   */
  private leaveLater(name: string): void {
    const channel = this.channels.get(name);
    if (channel === undefined) this.unsubscribe(name);
    else channel.asked = true;
  }

  private subscribe(channel: Channel): Promise<void> {
    channel.asked = true;
    const subscribed = this.sendSubscribe(channel.name).then(
      () => {
        if (this.channels.get(channel.name) !== channel) this.leaveLater(channel.name);
        else if (channel.subscribed === subscribed) channel.confirmed = true;
      },
      (error: unknown) => {
        if (this.channels.get(channel.name) !== channel) this.leaveLater(channel.name);
        // The next call of `activate` tries again.
        if (channel.subscribed === subscribed) channel.subscribed = null;
        throw error;
      },
    );
    // Callers that need the outcome await it. Without one, it must not become an unhandled rejection.
    subscribed.catch(() => undefined);
    return subscribed;
  }

  private sendSubscribe(name: string): Promise<void> {
    if (this.closed) return Promise.reject(unanswered(new Error('the subscriber is closed')));
    return this.link.subscribe(name);
  }

  private readonly onMessage = (name: string): void => {
    const channel = this.channels.get(name);
    if (channel === undefined) return;
    this.received += 1;
    channel.heard += 1;
    for (const listener of [...channel.listeners]) listener();
  };

  private readonly onLost = (names: Iterable<string> = this.channels.keys()): void => {
    for (const name of names) {
      const channel = this.channels.get(name);
      if (channel === undefined) continue;
      channel.subscribed = null;
      channel.confirmed = false;
    }
  };

  private readonly onBack = (): void => {
    for (const channel of this.channels.values()) if (channel.listeners.size > 0) this.resubscribe(channel);
  };

  /**
   * Notifications may have been missed while there was no connection: subscribes again, then notifies each listener, so
   * that it checks its lock.
   */
  private resubscribe(channel: Channel): void {
    const notify = (): void => {
      this.onMessage(channel.name);
    };
    channel.subscribed ??= this.subscribe(channel);
    channel.subscribed.then(notify, notify);
  }
}
