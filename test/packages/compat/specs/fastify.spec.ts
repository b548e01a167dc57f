import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Get, NotFoundException, Param, UseFilters } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { currentLease, LockExceptionFilter, LockService, RedisLockModule, UseLock, WithLock } from 'nestjs-redis-lock';
import request from 'supertest';
import { testRedisUrl, uniqueName } from '../../../support/test-redis.js';

@Controller()
class CartController {
  @Get('carts/:id')
  @UseLock('cart:<params.id>:<query.user>', { wait: 0 })
  cart(): string {
    return currentLease()?.name ?? 'no lock';
  }

  @Get('decorated/:id')
  @WithLock('cart:<0>', { wait: 0 })
  async decorated(@Param('id') _id: string): Promise<string> {
    return currentLease()?.name ?? 'no lock';
  }

  @Get('own-filter/:id')
  @UseFilters(new LockExceptionFilter({ busyStatus: 423 }))
  @WithLock('cart:<0>', { wait: 0 })
  async ownFilter(@Param('id') _id: string): Promise<void> {}

  @Get('missing')
  @UseLock('missing')
  missing(): never {
    throw new NotFoundException('no such cart');
  }
}

describe('locks on Fastify', () => {
  let app: NestFastifyApplication;

  beforeAll(async () => {
    const module = await Test.createTestingModule({
      imports: [RedisLockModule.forRoot({ url: testRedisUrl(), keyPrefix: `${uniqueName('fastify')}:` })],
      controllers: [CartController],
      providers: [{ provide: APP_FILTER, useClass: LockExceptionFilter }],
    }).compile();
    app = module.createNestApplication<NestFastifyApplication>(new FastifyAdapter(), { logger: false });
    await app.init();
    await app.getHttpAdapter().getInstance().ready();
  });

  afterAll(async () => {
    await app.close();
  });

  const get = (path: string) => request(app.getHttpServer()).get(path);

  it('are named after the request', async () => {
    expect((await get('/carts/1?user=ann')).text).toBe('cart:1:ann');
    expect((await get('/decorated/1')).text).toBe('cart:1');
  });

  it('have error responses by the filter', async () => {
    await using _held = await app.get(LockService).acquire(['cart:1', 'cart:1:ann']);

    const answers = await Promise.all(
      ['/carts/1?user=ann', '/decorated/1', '/own-filter/1', '/carts/1', '/missing'].map((path) => get(path)),
    );

    expect(answers.map(({ status }) => status)).toEqual([409, 409, 423, 400, 404]);
    expect(answers.slice(0, 4).map((answer) => (answer.body as { code: string }).code)).toEqual([
      'LOCK_BUSY',
      'LOCK_BUSY',
      'LOCK_BUSY',
      'LOCK_NAME',
    ]);
    expect(answers[0]?.headers['content-type']).toMatch(/^application\/problem\+json/);
  });

  it('are rejected with 503 and Retry-After during a shutdown', async () => {
    app.get(LockService).refuse();

    const { status, headers } = await get('/decorated/2');

    expect([status, headers['retry-after']]).toEqual([503, '1']);
  });
});
