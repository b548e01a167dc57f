import { Inject, Injectable } from '@nestjs/common';
import type { OnApplicationShutdown, OnModuleInit } from '@nestjs/common';
import { Redis } from 'ioredis';
import { REDIS } from '../../shop/cache/redis.js';
import { SHOP_CONFIG } from '../../shop/config/config.js';
import type { ShopConfig } from '../../shop/config/config.js';
import { SystemSwitch } from '../evolution/system-switch.js';
import { LiveRecorder } from './live-recorder.js';
import { LiveSubscriber } from './live-subscriber.js';
import { QuerySwitch } from './query-switch.js';
import { readSettings, settingsKey } from './settings.js';

const againAfterMs = 500;

/** Applies the settings in Redis to this replica. Without settings in Redis, the present ones stay. */
@Injectable()
export class SettingsClient implements OnModuleInit, OnApplicationShutdown {
  private timer: NodeJS.Timeout | undefined;
  private closed = false;

  constructor(
    @Inject(SHOP_CONFIG) private readonly config: ShopConfig,
    @Inject(REDIS) private readonly redis: Redis,
    private readonly subscriber: LiveSubscriber,
    private readonly systems: SystemSwitch,
    private readonly query: QuerySwitch,
    private readonly recorder: LiveRecorder,
  ) {}

  onModuleInit(): void {
    this.subscriber.listen(`${this.config.redisPrefix}${settingsKey}`, () => void this.read());
    // Read after the subscription, so that no change is missed.
    this.subscriber.onSubscribed(() => void this.read());
  }

  onApplicationShutdown(): void {
    this.closed = true;
    clearTimeout(this.timer);
  }

  private async read(): Promise<void> {
    clearTimeout(this.timer);
    try {
      const json = await this.redis.get(settingsKey);
      if (json !== null && !this.closed) this.apply(json);
    } catch {
      // Redis does not reply now. Only one of several failed reads is retried.
      clearTimeout(this.timer);
      if (!this.closed) this.timer = setTimeout(() => void this.read(), againAfterMs);
    }
  }

  private apply(json: string): void {
    const { settings, ignored } = readSettings(json);
    if (settings.guard !== undefined) this.systems.set(settings.guard);
    if (settings.queryMs !== undefined) this.query.set(settings.queryMs);
    if (ignored.length > 0) this.recorder.note({ type: 'error', message: `Ignored: ${ignored.join(', ')}.` });
    this.recorder.onImportant();
  }
}
