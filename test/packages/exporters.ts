import 'reflect-metadata';
import { strict as assert } from 'node:assert';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TerminusModule } from '@nestjs/terminus';
import { LockService, RedisLockModule } from 'nestjs-redis-lock';
import { instrumentLocks } from 'nestjs-redis-lock/opentelemetry';
import { collectLockMetrics } from 'nestjs-redis-lock/prometheus';
import { LockHealthIndicator } from 'nestjs-redis-lock/terminus';
import { register } from 'prom-client';

@Module({
  imports: [RedisLockModule.forRoot({ memory: true }), TerminusModule],
  providers: [LockHealthIndicator],
})
class AppModule {}

async function main(): Promise<void> {
  const app = await NestFactory.createApplicationContext(AppModule, { logger: ['error', 'warn'] });
  const locks = app.get(LockService);
  const stop = [collectLockMetrics(locks), instrumentLocks(locks)];

  await locks.withLock('order', () => undefined, { label: 'orders' });
  const metrics = await register.metrics();
  assert.match(
    metrics,
    /redis_lock_hold_duration_seconds_count\{template="orders",mode="exclusive",outcome="released"\} 1/,
  );

  const { locks: health } = await app.get(LockHealthIndicator).check('locks');
  assert.equal(health.status, 'up');

  for (const each of stop) each();
  await app.close();
  console.log('ok');
}

void main();
