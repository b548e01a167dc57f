import { once } from 'node:events';
import { Controller, Get, Injectable, Module, Param } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { currentLease, LockExceptionFilter, LockService, RedisLockModule, WithLock } from 'nestjs-redis-lock';

@Injectable()
export class Orders {
  readonly paid: string[] = [];

  @WithLock('order:<0>')
  async pay(id: string): Promise<string> {
    this.paid.push(id);
    return `paid ${id}`;
  }

  /** Works until its lock is lost. */
  @WithLock('import')
  async importAll(): Promise<void> {
    const signal = currentLease('import')!.signal;
    if (!signal.aborted) await once(signal, 'abort');
    throw signal.reason;
  }

  @WithLock('report', { connection: 'reports', onBusy: 'skip' })
  async report(): Promise<string | undefined> {
    return 'reported';
  }
}

@Controller()
class OrdersController {
  constructor(
    private readonly orders: Orders,
    private readonly locks: LockService,
  ) {}

  @Get('pay/:id')
  pay(@Param('id') id: string): Promise<string> {
    return this.orders.pay(id);
  }

  @Get('held')
  held(): string {
    return String(this.locks.stats().held);
  }
}

/** No server has these addresses: with a connection to Redis, the app would not start. */
@Module({
  imports: [
    RedisLockModule.forRoot({ url: 'redis://redis.invalid' }),
    RedisLockModule.forRootAsync({
      name: 'reports',
      isGlobal: true,
      useFactory: async () => ({ redis: { host: 'redis.invalid' } }),
    }),
  ],
  controllers: [OrdersController],
  providers: [Orders, { provide: APP_FILTER, useClass: LockExceptionFilter }],
})
export class AppModule {}
