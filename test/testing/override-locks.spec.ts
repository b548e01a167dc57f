import { createServer, type AddressInfo, type Server } from 'node:net';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Controller, Get, Injectable, Module, Param, type INestApplication } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import {
  currentLease,
  getLockServiceToken,
  InjectLockService,
  type LockBusyError,
  LockExceptionFilter,
  LockService,
  RedisLockModule,
  UseLock,
  WithLock,
  type LockServiceOptions,
} from 'nestjs-redis-lock';
import { createTestLockService, overrideLocks, TestLockService } from 'nestjs-redis-lock/testing';
import request from 'supertest';

@Injectable()
class Orders {
  constructor(
    private readonly locks: LockService,
    @InjectLockService('reports') private readonly reports: LockService,
  ) {}

  @WithLock('order:<0>')
  async pay(id: string): Promise<string> {
    return `${id} under ${currentLease()?.name ?? 'no lock'}`;
  }

  @WithLock('report', { connection: 'reports', onBusy: 'skip' })
  async report(): Promise<string | undefined> {
    return currentLease()?.name;
  }

  services(): LockService[] {
    return [this.locks, this.reports];
  }
}

@Controller()
class OrdersController {
  constructor(private readonly orders: Orders) {}

  @Get('pay/:id')
  pay(@Param('id') id: string): Promise<string> {
    return this.orders.pay(id);
  }

  @Get('cart/:id')
  @UseLock('cart:<params.id>', { wait: 0 })
  cart(): string {
    return currentLease()?.name ?? 'no lock';
  }
}

describe('overrideLocks()', () => {
  /** Stands for Redis: a server that counts its connections. */
  let redis: Server;
  let url: string;
  const onConnection = jest.fn();
  let app: INestApplication | undefined;

  beforeEach(async () => {
    onConnection.mockClear();
    redis = createServer(onConnection).listen(0, '127.0.0.1');
    await once(redis, 'listening');
    url = `redis://127.0.0.1:${String((redis.address() as AddressInfo).port)}`;
  });
  afterEach(async () => {
    await app?.close();
    app = undefined;
    redis.close();
    expect(onConnection).not.toHaveBeenCalled();
  });

  const optionsOf = jest.fn((options: LockServiceOptions) => options);

  function appModule(isGlobal: boolean): unknown {
    @Module({
      imports: [
        RedisLockModule.forRoot({ url, wait: 20_000, isGlobal }),
        RedisLockModule.forRootAsync({
          name: 'reports',
          isGlobal,
          useFactory: () => optionsOf({ quorum: [url, `${url}/1`, `${url}/2`], wait: 40_000 }),
        }),
      ],
      controllers: [OrdersController],
      providers: [Orders, { provide: APP_FILTER, useClass: LockExceptionFilter }],
    })
    class AppModule {}
    return AppModule;
  }

  async function start(isGlobal = true, ...settings: [] | [object]): Promise<INestApplication> {
    const builder = Test.createTestingModule({ imports: [appModule(isGlobal) as never] });
    const module = await overrideLocks(builder, ...settings).compile();
    return (app = await module.createNestApplication({ logger: false }).init());
  }

  it.each([true, false])('replaces the services of all modules, with isGlobal: %s', async (isGlobal) => {
    await start(isGlobal);
    const services = app!.get(Orders).services();
    expect(services.every((each) => each instanceof TestLockService)).toBe(true);
    expect(services[0]).not.toBe(services[1]);
    expect(app!.get(LockService)).toBe(services[0]);
    expect(app!.get(getLockServiceToken('reports'))).toBe(services[1]);
  });

  it('keeps the settings and the limits of each module', async () => {
    await start();
    const locks = app!.get<TestLockService>(LockService);
    const reports = app!.get<TestLockService>(getLockServiceToken('reports'));
    locks.makeBusy('a');
    reports.makeBusy('a');
    const waitOf = async (service: LockService): Promise<number> => {
      const busy = await service.acquire('a').catch((error: unknown) => error);
      return Math.round((busy as LockBusyError).waitedMs / 1_000);
    };
    expect(await waitOf(locks)).toBe(20);
    expect(await waitOf(reports)).toBe(40);
    expect(locks.semaphore('s', { permits: 1 }).name).toBe('s');
    expect(() => reports.semaphore('s', { permits: 1 })).toThrow('A semaphore needs one Redis');
    await expect(reports.acquire('a', { mode: 'fair' })).rejects.toMatchObject({ code: 'LOCK_CONFIG' });
    await expect(reports.acquire('a', { lease: 60_000 })).rejects.toThrow('restartGuard');
  });

  it('replaces the options of the modules, so that their factories do not run', async () => {
    optionsOf.mockClear();
    await start(true, { wait: 1_000 });
    expect(optionsOf).not.toHaveBeenCalled();
    const reports = app!.get<TestLockService>(getLockServiceToken('reports'));
    reports.makeBusy('a');
    await expect(reports.acquire('a')).rejects.toMatchObject({ code: 'LOCK_BUSY' });
    expect(reports.semaphore('s', { permits: 1 }).name).toBe('s');
  });

  it('makes locks of an app busy, unavailable and lost', async () => {
    await start();
    const locks = app!.get<TestLockService>(LockService);
    const reports = app!.get<TestLockService>(getLockServiceToken('reports'));
    const get = (path: string) => request(app!.getHttpServer()).get(path);
    expect((await get('/pay/1')).text).toBe('1 under order:1');
    expect((await get('/cart/1')).text).toBe('cart:1');

    locks.makeBusy('order:1');
    locks.makeBusy('cart:1');
    expect((await get('/pay/1')).status).toBe(409);
    expect((await get('/cart/1')).status).toBe(409);
    expect((await get('/pay/2')).status).toBe(200);
    locks.reset();
    expect((await get('/pay/1')).status).toBe(200);

    locks.makeUnavailable({ times: 1 });
    expect((await get('/pay/1')).status).toBe(503);
    expect((await get('/pay/1')).status).toBe(200);

    const orders = app!.get(Orders);
    expect(await orders.report()).toBe('report');
    reports.makeBusy('report', { times: 1 });
    expect(await orders.report()).toBeUndefined();
    expect(await orders.report()).toBe('report');
  });

  it('closes the services with the app', async () => {
    await start();
    const locks = app!.get(LockService);
    await app!.close();
    app = undefined;
    await expect(locks.acquire('a')).rejects.toMatchObject({ code: 'LOCK_SHUTDOWN' });
  });
});

describe('a test lock service as an override of LockService', () => {
  it('is injected, also into decorated methods, and closed with the app', async () => {
    const locks = createTestLockService();
    const reports = createTestLockService();
    const module = await Test.createTestingModule({
      imports: [
        RedisLockModule.forRoot({ url: 'redis://127.0.0.1:1' }),
        RedisLockModule.forRoot({ url: 'redis://127.0.0.1:1', name: 'reports' }),
      ],
      providers: [Orders],
    })
      .overrideProvider(LockService)
      .useValue(locks)
      .overrideProvider(getLockServiceToken('reports'))
      .useValue(reports)
      .compile();
    await module.init();
    const orders = module.get(Orders);
    expect(orders.services()).toEqual([locks, reports]);
    expect(await orders.pay('1')).toBe('1 under order:1');
    locks.makeBusy('order:1');
    await expect(orders.pay('1')).rejects.toMatchObject({ code: 'LOCK_BUSY', lockName: 'order:1' });
    await module.close();
    await expect(locks.acquire('a')).rejects.toMatchObject({ code: 'LOCK_SHUTDOWN' });
  });
});
