import { Global, Inject, Logger, Module } from '@nestjs/common';
import type { OnApplicationShutdown } from '@nestjs/common';
import { Redis } from 'ioredis';
import { SHOP_CONFIG } from '../config/config.js';
import type { ShopConfig } from '../config/config.js';
import { logOutages } from './outage-log.js';
import { REDIS } from './redis.js';

@Global()
@Module({
  providers: [
    {
      provide: REDIS,
      inject: [SHOP_CONFIG],
      useFactory: (config: ShopConfig) => {
        const redis = new Redis(config.redisUrl, {
          keyPrefix: config.redisPrefix,
          // Without a timeout, a reader waits until a lost Redis is back.
          commandTimeout: 5_000,
        });
        logOutages(redis, new Logger('Redis'));
        return redis;
      },
    },
  ],
  exports: [REDIS],
})
export class CacheModule implements OnApplicationShutdown {
  constructor(@Inject(REDIS) private readonly redis: Redis) {}

  /** After the last request was answered. */
  onApplicationShutdown(): void {
    this.redis.disconnect();
  }
}
