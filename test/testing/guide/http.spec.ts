import { afterEach, beforeEach, it } from '@jest/globals';
import { Controller, Module, Param, Post, type INestApplication } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import { LockExceptionFilter, LockService, RedisLockModule, WithLock } from 'nestjs-redis-lock';
import { overrideLocks, type TestLockService } from 'nestjs-redis-lock/testing';
import request from 'supertest';

@Controller('orders')
class OrdersController {
  @Post(':id/pay')
  @WithLock('order:<0>')
  async pay(@Param('id') id: string): Promise<string> {
    return `paid ${id}`;
  }
}

@Module({
  imports: [RedisLockModule.forRoot({ url: 'redis://redis.example' })],
  controllers: [OrdersController],
  providers: [{ provide: APP_FILTER, useClass: LockExceptionFilter }],
})
class AppModule {}

let app: INestApplication;
let locks: TestLockService;

beforeEach(async () => {
  const module = await overrideLocks(Test.createTestingModule({ imports: [AppModule] })).compile();
  app = await module.createNestApplication().init();
  locks = app.get<TestLockService>(LockService);
});
afterEach(() => app.close());

it('pays an order', async () => {
  await request(app.getHttpServer()).post('/orders/1/pay').expect(201, 'paid 1');
});

it('answers 409 while another replica pays the order', async () => {
  locks.makeBusy('order:1');
  await request(app.getHttpServer()).post('/orders/1/pay').expect(409);
  await request(app.getHttpServer()).post('/orders/2/pay').expect(201);
});

it('answers 503 once if Redis fails once', async () => {
  locks.makeUnavailable({ times: 1 });
  await request(app.getHttpServer()).post('/orders/1/pay').expect(503);
  await request(app.getHttpServer()).post('/orders/1/pay').expect(201);
});
