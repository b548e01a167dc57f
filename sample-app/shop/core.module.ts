import { Module } from '@nestjs/common';
import type { MiddlewareConsumer, NestModule } from '@nestjs/common';
import { APP_FILTER, APP_PIPE } from '@nestjs/core';
import { LockExceptionFilter, RedisLockModule } from 'nestjs-redis-lock';
import { CacheModule } from './cache/cache.module.js';
import { SHOP_CONFIG } from './config/config.js';
import type { ShopConfig } from './config/config.js';
import { ConfigModule } from './config/config.module.js';
import { DatabaseModule } from './database/database.module.js';
import { Drain } from './http/drain.js';
import { UnavailableFilter } from './errors/unavailable.filter.js';
import { HealthModule } from './health/health.module.js';
import { LoggingModule } from './logging/logging.module.js';
import { MetricsModule } from './metrics/metrics.module.js';
import { ReplicaMiddleware } from './http/replica.middleware.js';
import { securityHeaders } from './http/security-headers.js';
import { validationPipe } from './validation/validation-pipe.js';

/** What every part of the shop uses: configuration, log, database, cache, locks, health checks, metrics, error answers. */
@Module({
  imports: [
    ConfigModule,
    LoggingModule,
    DatabaseModule,
    CacheModule,
    RedisLockModule.forRootAsync({
      inject: [SHOP_CONFIG],
      useFactory: (config: ShopConfig) => ({
        url: config.redisUrl,
        keyPrefix: `${config.redisPrefix}lock:`,
        lease: config.lockLeaseMs,
        wait: config.lockWaitMs,
      }),
    }),
    HealthModule,
    MetricsModule,
  ],
  providers: [
    Drain,
    // A lock that stays busy or cannot be reached is a 4xx or 503 with Retry-After, not a 500.
    { provide: APP_FILTER, useClass: LockExceptionFilter },
    { provide: APP_FILTER, useClass: UnavailableFilter },
    { provide: APP_PIPE, useFactory: validationPipe },
  ],
})
export class CoreModule implements NestModule {
  configure(consumer: MiddlewareConsumer): void {
    consumer.apply(securityHeaders, ReplicaMiddleware).forRoutes('{*path}');
  }
}
