import { Inject, Injectable } from '@nestjs/common';
import type { OnApplicationBootstrap, OnApplicationShutdown } from '@nestjs/common';
import { Redis } from 'ioredis';
import { SHOP_CONFIG } from '../../shop/config/config.js';
import type { ShopConfig } from '../../shop/config/config.js';
import { liveChannel } from './live-channel.js';
import { ReportWriter } from './report-writer.js';
import { LiveRecorder } from './live-recorder.js';

const everyMs = 200;
/** At most this often, however much happens. */
const atMostEveryMs = 50;
const reconnectMs = 200;
/** A connection is replaced after this long without a reply. */
const silenceMs = 15_000;

/**
 * Sends this replica's reports to all replicas, over a connection of its own. One report at a time: while Redis does
 * not reply or cannot be reached, nothing is sent, and a limited number of events is kept for the next report.
 */
@Injectable()
export class LivePublisher implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly redis: Redis;
  private readonly channel: string;
  private timer: NodeJS.Timeout | undefined;
  private soonTimer: NodeJS.Timeout | undefined;
  private sentAt = Number.NEGATIVE_INFINITY;
  private sending = false;
  private closed = false;

  constructor(
    @Inject(SHOP_CONFIG) config: ShopConfig,
    private readonly recorder: LiveRecorder,
    private readonly writer: ReportWriter,
  ) {
    this.channel = liveChannel(config);
    this.redis = new Redis(config.redisUrl, {
      lazyConnect: true,
      // Nothing waits for a connection, and nothing is sent twice.
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      retryStrategy: () => reconnectMs,
      socketTimeout: silenceMs,
    });
    // It reconnects by itself; `beat` reports the outage.
    this.redis.on('error', () => undefined);
  }

  onApplicationBootstrap(): void {
    this.redis.connect().catch(() => undefined);
    this.recorder.onImportant = () => this.soon();
    this.timer = setInterval(() => this.publish(), everyMs);
  }

  onApplicationShutdown(): void {
    this.closed = true;
    this.recorder.onImportant = () => undefined;
    clearInterval(this.timer);
    clearTimeout(this.soonTimer);
    this.redis.disconnect();
  }

  /** Once for all that happens in the same moment. */
  private soon(): void {
    if (this.soonTimer !== undefined || this.closed) return;
    const wait = Math.max(0, this.sentAt + atMostEveryMs - performance.now());
    this.soonTimer = setTimeout(() => {
      this.soonTimer = undefined;
      this.publish();
    }, wait);
  }

  private publish(): void {
    if (this.closed || this.sending || this.redis.status !== 'ready') return;
    this.sending = true;
    this.sentAt = performance.now();
    // A report with an unknown outcome is not sent again, since it could be counted twice.
    this.redis
      .publish(this.channel, JSON.stringify(this.writer.write()))
      .catch(() => undefined)
      .finally(() => (this.sending = false));
  }
}
