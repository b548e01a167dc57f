import { Inject, Injectable } from '@nestjs/common';
import type { OnApplicationBootstrap, OnApplicationShutdown } from '@nestjs/common';
import { Redis } from 'ioredis';
import { SHOP_CONFIG } from '../../shop/config/config.js';
import type { ShopConfig } from '../../shop/config/config.js';

const reconnectMs = 200;

/** A connection to Redis that only receives, and reconnects for as long as necessary. */
@Injectable()
export class LiveSubscriber implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly redis: Redis;
  private readonly listeners = new Map<string, (message: string) => void>();
  private readonly subscribed = new Set<() => void>();
  private closed = false;

  constructor(@Inject(SHOP_CONFIG) config: ShopConfig) {
    this.redis = new Redis(config.redisUrl, {
      lazyConnect: true,
      autoResubscribe: false,
      maxRetriesPerRequest: null,
      retryStrategy: () => reconnectMs,
    });
    this.redis.on('error', () => undefined);
    this.redis.on('ready', () => void this.subscribe());
    this.redis.on('message', (channel: string, message: string) => this.listeners.get(channel)?.(message));
  }

  onApplicationBootstrap(): void {
    this.redis.connect().catch(() => undefined);
  }

  onApplicationShutdown(): void {
    this.closed = true;
    this.redis.disconnect();
  }

  get connected(): boolean {
    return this.redis.status === 'ready';
  }

  /** Before the start of the application, and once for a channel. */
  listen(channel: string, listener: (message: string) => void): void {
    this.listeners.set(channel, listener);
  }

  /** Calls `listener` each time a subscription is active: at the start, and after each interruption. */
  onSubscribed(listener: () => void): void {
    this.subscribed.add(listener);
  }

  /** Replaces the connection, which may be half-open. */
  reconnect(): void {
    if (!this.closed) this.redis.disconnect(true);
  }

  private async subscribe(): Promise<void> {
    try {
      await this.redis.subscribe(...this.listeners.keys());
    } catch {
      // The connection broke again, and the next one subscribes.
      return;
    }
    for (const listener of this.subscribed) listener();
  }
}
