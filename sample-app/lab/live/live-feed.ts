import { Inject, Injectable } from '@nestjs/common';
import type { OnModuleInit } from '@nestjs/common';
import { SHOP_CONFIG } from '../../shop/config/config.js';
import type { ShopConfig } from '../../shop/config/config.js';
import { liveChannel } from './live-channel.js';
import { LiveSubscriber } from './live-subscriber.js';

/** Each replica receives its own reports several times a second. After this long without one, Redis does not work. */
const echoLimitMs = 1_000;
/** After this long without a message the connection is replaced, since it may be half-open, in ms. */
const silenceMs = 15_000;
const mostBytes = 256 * 1024;

/** The reports of all replicas, as they come from Redis, for the pages this replica serves. */
@Injectable()
export class LiveFeed implements OnModuleInit {
  private readonly listeners = new Set<(report: string) => void>();
  private echoAt = Number.NEGATIVE_INFINITY;
  private connectedAt = performance.now();

  constructor(
    @Inject(SHOP_CONFIG) private readonly config: ShopConfig,
    private readonly subscriber: LiveSubscriber,
  ) {}

  onModuleInit(): void {
    this.subscriber.listen(liveChannel(this.config), (message) => this.pass(message));
    this.subscriber.onSubscribed(() => (this.connectedAt = performance.now()));
  }

  /**
   * @param listener gets each report as JSON in one line
   * @returns ends it
   */
  listen(listener: (report: string) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Whether reports go to Redis and come back. */
  state(): 'up' | 'down' {
    const now = performance.now();
    if (!this.subscriber.connected) return 'down';
    if (now - this.echoAt < echoLimitMs) return 'up';
    if (now - Math.max(this.echoAt, this.connectedAt) > silenceMs) {
      this.connectedAt = now;
      this.subscriber.reconnect();
    }
    return 'down';
  }

  private pass(message: string): void {
    const sender = senderOf(message);
    if (sender === null) return;
    if (sender.pid === process.pid && sender.replica === this.config.replica) this.echoAt = performance.now();
    for (const listener of this.listeners) listener(message);
  }
}

/** The sender of a report; `null` if the message is not a report. All users of the Redis can publish anything. */
function senderOf(message: string): { replica: unknown; pid: unknown } | null {
  if (message.length > mostBytes || /[\r\n]/.test(message)) return null;
  try {
    const report: unknown = JSON.parse(message);
    return typeof report === 'object' && report !== null && 'replica' in report && 'pid' in report ? report : null;
  } catch {
    return null;
  }
}
