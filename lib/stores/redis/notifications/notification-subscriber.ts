import { inServiceContext } from '../../../context/service-context.js';
import { monotonic } from '../../../time/clock.js';
import { Timer } from '../../../time/timer.js';
import type { NotificationSubscription } from '../../lock-store.js';
import type { NotificationLink } from './notification-link.js';
import { unanswered } from '../connection/server-error.js';

interface Channel {
  readonly name: string;
  readonly listeners: Set<() => void>;
  /** Whether a subscription was ever asked for: Redis may carry it out, and its reply may be lost. */
  asked: boolean;
  /** Whether Redis confirmed the subscription on the connection that is open now. */
  confirmed: boolean;
  /** Grows with each notification. */
  heard: number;
  /** The subscription under way or confirmed; `null`: none. */
  subscribed: Promise<void> | null;
  /** When the last listener left, on the monotonic clock; `null`: there are some. */
  leftAt: number | null;
}

const LINGER_MS = 1_000;
/** How often, at most, all channels are checked for those without listeners, in ms. */
const SWEEP_MS = 250;

/**
 * The release notifications of all locks, for all callers of this process that wait for one. A channel stays
 * subscribed for a moment after its last listener left, since a contended lock is soon waited for again.
 */
export class NotificationSubscriber {
  private readonly channels = new Map<string, Channel>();
  private closed = false;
  /** All notifications so far. */
  private received = 0;
  /** One timer for all channels without listeners: leaving and coming back need no timer of their own. */
  private readonly sweep = new Timer(() => {
    this.onSweep();
  }, false);

  constructor(private readonly link: NotificationLink) {
    link.start({ onMessage: this.onMessage, onLost: this.onLost, onBack: this.onBack });
  }

  /** Whether this subscriber itself is among those that a notification on `channel` reaches. */
  hears(channel: string): boolean {
    return this.channels.get(channel)?.confirmed ?? false;
  }

  /** Whether no channel is listened to at all. */
  get idle(): boolean {
    return this.channels.size === 0;
  }

  /** Grows with each notification on `channel`; `undefined`: none would arrive now. */
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
      // A channel that is subscribed again continues above its last number.
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

  /** All who wanted this subscription had left before its outcome was known. If others listen by now, it is theirs to end. */
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
        // The next one to ask tries again.
        if (channel.subscribed === subscribed) channel.subscribed = null;
        throw error;
      },
    );
    // The caller that needs the outcome awaits it; a listener that has left must not turn it into an unhandled rejection.
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

  /** Notifications were missed while the connection was down: subscribe again, then let each listener check its lock. */
  private resubscribe(channel: Channel): void {
    const notify = (): void => {
      this.onMessage(channel.name);
    };
    channel.subscribed ??= this.subscribe(channel);
    channel.subscribed.then(notify, notify);
  }
}
