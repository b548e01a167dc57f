import type { DynamicModule } from '@nestjs/common';
import { RedisLockModule, type LockSettings } from 'nestjs-redis-lock';
import { testRedisUrl, uniqueName } from '../../support/test-redis.js';

/** A lock module on the Redis of this test run, whose locks no other test shares. */
export function lockModule(options: LockSettings & { name?: string; isGlobal?: boolean } = {}): DynamicModule {
  return RedisLockModule.forRoot({
    url: testRedisUrl(),
    keyPrefix: `${uniqueName('nest')}:`,
    ...options,
  });
}
