import { describe, expect, it } from '@jest/globals';
import { Controller, Get, Inject, Injectable, type INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { LockExceptionFilter, LockService, RedisLockModule, WithLock } from 'nestjs-redis-lock';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import request from 'supertest';
import { redisClient, testRedisUrl, uniqueName } from '../support/test-redis.js';
import { waitUntil } from '../support/wait-until.js';
import { lockModule } from './helpers/lock-module.js';

@Injectable()
class Orders {
  private go: () => void = () => undefined;
  private readonly gone = new Promise<void>((resolve) => (this.go = resolve));
  shuttingDown = false;

  @WithLock('order:<0>')
  async pay(id: string): Promise<string> {
    await this.gone;
    return `paid ${id}`;
  }

  finish(): void {
    this.go();
  }

  beforeApplicationShutdown(): void {
    this.shuttingDown = true;
  }
}

@Controller()
class OrderController {
  constructor(@Inject(Orders) private readonly orders: Orders) {}

  @Get('pay/:id')
  pay(): Promise<string> {
    return this.orders.pay('1');
  }
}

async function startShop(options: { keyPrefix?: string } = {}): Promise<INestApplication> {
  const module = await Test.createTestingModule({
    imports: [lockModule(options)],
    controllers: [OrderController],
    providers: [Orders],
  }).compile();
  const app = module.createNestApplication();
  app.useGlobalFilters(new LockExceptionFilter());
  await app.listen(0);
  return app;
}

describe('the shutdown of an app', () => {
  it('lets a request with a lock finish, releases the lock, and rejects new locks meanwhile', async () => {
    const keyPrefix = `${uniqueName('shutdown')}:`;
    const app = await startShop({ keyPrefix });
    const [orders, locks] = [app.get(Orders), app.get(LockService)];
    const response = request(app.getHttpServer())
      .get('/pay/1')
      .then((answer) => [answer.status, answer.text]);
    await waitUntil('the request holds its lock', () => locks.stats().held === 1);

    const closing = app.close();
    await waitUntil('the shutdown has begun', () => orders.shuttingDown);
    const refusal = await waitUntil('locks are refused', () =>
      orders.pay('2').then(
        () => undefined,
        (error: unknown) => error,
      ),
    );
    orders.finish();

    expect(await response).toEqual([200, 'paid 1']);
    await closing;
    expect(refusal).toMatchObject({ code: 'LOCK_SHUTDOWN' });
    const redis = redisClient();
    expect(await redis.exists(`${keyPrefix}order:1`)).toBe(0);
    redis.disconnect();
  });

  it('rejects waiting callers', async () => {
    const app = await startShop();
    const [orders, locks] = [app.get(Orders), app.get(LockService)];
    const holding = orders.pay('1');
    const response = request(app.getHttpServer())
      .get('/pay/1')
      .then((answer) => answer);
    await waitUntil('the request waits', () => locks.stats().held === 1 && locks.stats().waiting === 1);

    const closing = app.close();
    const { status, body, headers } = await response;
    orders.finish();

    expect({ status, code: body.code, retryAfter: headers['retry-after'] }).toEqual({
      status: 503,
      code: 'LOCK_SHUTDOWN',
      retryAfter: '1',
    });
    expect(await holding).toBe('paid 1');
    await closing;
  });

  it('lets a request with a lock acquire a second one after the shutdown has begun', async () => {
    const app = await startShop();
    const [orders, locks] = [app.get(Orders), app.get(LockService)];
    const request = locks.withLock('cart:1', async () => {
      await waitUntil('the shutdown has begun', () => orders.shuttingDown);
      const paid = orders.pay('1');
      orders.finish();
      return paid;
    });
    await waitUntil('the request holds its lock', () => locks.stats().held === 1);
    await app.close();
    await expect(request).resolves.toBe('paid 1');
  });

  it('releases the lock of a leader that ends when its signal aborts', async () => {
    const keyPrefix = `${uniqueName('shutdown')}:`;
    const app = await Test.createTestingModule({ imports: [lockModule({ keyPrefix, shutdownTimeout: 50 })] }).compile();
    await app.init();
    const locks = app.get(LockService);
    const leader = locks.withLock('leader', ({ signal }) => once(signal, 'abort'));
    await waitUntil('it leads', () => locks.stats().held === 1);
    await app.close();
    await leader;
    const redis = redisClient();
    expect(await redis.exists(`${keyPrefix}leader`)).toBe(0);
    redis.disconnect();
  });

  it("leaves a caller's own client connected", async () => {
    const client = redisClient();
    const app = await Test.createTestingModule({
      imports: [RedisLockModule.forRoot({ client, keyPrefix: `${uniqueName()}:` })],
    }).compile();
    await app.init();
    await app.get(LockService).withLock('x', () => undefined);

    await app.close();

    expect(client.status).toBe('ready');
    expect(await client.ping()).toBe('PONG');
    client.disconnect();
  });

  it.each([
    { what: 'its own connection', options: '{ url }' },
    { what: "a caller's client that the caller closes", options: '{ client }' },
    { what: 'memory', options: '{ memory: true }' },
  ])('leaves nothing that keeps the process alive, with $what', async ({ options }) => {
    const script = `
      import 'reflect-metadata';
      import { NestFactory } from '@nestjs/core';
      import { Redis } from 'ioredis';
      import { LockService, RedisLockModule } from 'nestjs-redis-lock';
      const url = process.env.TEST_REDIS_URL;
      const client = new Redis(url, { lazyConnect: true });
      class AppModule {}
      const imports = [RedisLockModule.forRoot(${options})];
      const app = await NestFactory.createApplicationContext({ module: AppModule, imports }, { logger: false });
      const locks = app.get(LockService);
      const name = crypto.randomUUID();
      await locks.withLock(name, () => undefined);
      const held = await locks.acquire(name);
      const waiting = locks.acquire(name).catch((error) => error.code);
      await locks.tryAcquire(name);
      setTimeout(() => held.release(), 50);
      await app.close();
      console.log(await waiting);
      client.disconnect();
    `;
    const env = { ...process.env, NODE_OPTIONS: '', TEST_REDIS_URL: testRedisUrl() };
    const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));

    // A process that something keeps alive ends by the time limit of the test, and never with 0.
    const [code] = await once(child, 'close');

    expect({ code, said }).toEqual({ code: 0, said: 'LOCK_SHUTDOWN\n' });
  });
});
