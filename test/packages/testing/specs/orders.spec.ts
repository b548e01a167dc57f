import { strict as assert } from 'node:assert';
import 'reflect-metadata';
import type { INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { getLockServiceToken, LockService, RedisLockModule } from 'nestjs-redis-lock';
import { createTestLockService, overrideLocks, TestLockService, withLocks } from 'nestjs-redis-lock/testing';
import request from 'supertest';
import { AppModule, Orders } from './orders.js';
import { afterEach, beforeEach, describe, fakes, it } from './runner.js';

const MINUTE = 60_000;

afterEach(() => {
  fakes.remove();
});

describe('an app over HTTP', () => {
  let app: INestApplication;
  let locks: TestLockService;

  beforeEach(async () => {
    const module = await overrideLocks(Test.createTestingModule({ imports: [AppModule] })).compile();
    app = await module.createNestApplication({ logger: false }).init();
    locks = app.get<TestLockService>(LockService);
  });
  afterEach(() => app.close());

  const get = (path: string) => request(app.getHttpServer()).get(path);

  it('has its locks in memory', async () => {
    assert.ok(locks instanceof TestLockService);
    await get('/pay/1').expect(200, 'paid 1');
    await get('/held').expect(200, '0');
  });

  it('has a busy lock', async () => {
    locks.makeBusy('order:1');
    const { status, body } = await get('/pay/1');
    assert.deepEqual([status, (body as { code: string }).code], [409, 'LOCK_BUSY']);
    await get('/pay/2').expect(200);
    locks.reset();
    await get('/pay/1').expect(200);
    assert.deepEqual(app.get(Orders).paid, ['2', '1']);
  });

  it('has no Redis once', async () => {
    locks.makeUnavailable({ times: 1 });
    await get('/pay/1').expect(503);
    await get('/pay/1').expect(200);
  });

  it('has a busy lock while timers are fake, and after that', async () => {
    fakes.install();
    locks.makeBusy('order:1', { times: 2 });
    await get('/pay/1').expect(409);
    fakes.remove();
    await get('/pay/1').expect(409);
    await get('/pay/1').expect(200);
  });

  it('loses a lock', async () => {
    const lost = assert.rejects(app.get(Orders).importAll(), { code: 'LOCK_LOST', reason: 'taken' });
    await locks.loseLock('import');
    await lost;
  });

  it('has a busy lock of a named module', async () => {
    const reports = app.get<TestLockService>(getLockServiceToken('reports'));
    reports.makeBusy('report', { times: 1 });
    assert.equal(await app.get(Orders).report(), undefined);
    assert.equal(await app.get(Orders).report(), 'reported');
  });
});

describe('an overridden LockService', () => {
  it('is injected into decorated methods', async () => {
    const locks = createTestLockService();
    const module = await Test.createTestingModule({
      imports: [
        RedisLockModule.forRoot({ url: 'redis://redis.invalid' }),
        RedisLockModule.forRoot({ memory: true, name: 'reports' }),
      ],
      providers: [Orders],
    })
      .overrideProvider(LockService)
      .useValue(locks)
      .compile();
    await module.init();
    locks.makeBusy('order:1', { times: 1 });
    await assert.rejects(module.get(Orders).pay('1'), { code: 'LOCK_BUSY' });
    assert.equal(await module.get(Orders).pay('1'), 'paid 1');
    await module.close();
  });
});

describe('an instance created with new', () => {
  let locks: TestLockService;
  let orders: Orders;

  beforeEach(() => {
    locks = createTestLockService();
    orders = withLocks(new Orders(), locks);
  });
  afterEach(() => locks.close());

  it('has locks that are free, busy, unavailable and lost', async () => {
    assert.equal(await orders.pay('1'), 'paid 1');
    locks.makeBusy('order:1');
    await assert.rejects(orders.pay('1'), { code: 'LOCK_BUSY', lockName: 'order:1' });
    locks.reset();
    locks.makeUnavailable();
    await assert.rejects(orders.pay('1'), { code: 'LOCK_UNAVAILABLE' });
    locks.reset();
    const expired = assert.rejects(orders.importAll(), { code: 'LOCK_LOST', reason: 'expired' });
    await locks.loseLock('import', 'expired');
    await expired;
    assert.deepEqual(orders.paid, ['1']);
  });

  for (const [label, first, second] of [
    ['installed', () => undefined, fakes.install],
    ['removed', fakes.install, fakes.remove],
  ] as const) {
    it(`waits in virtual time while fake timers are ${label}`, async () => {
      first();
      const replica = locks.replica();
      const held = await replica.acquire('order:1', { lease: 2 * MINUTE, renew: false });
      const waiting = locks.acquire('order:1', { wait: MINUTE });
      const busy = assert.rejects(waiting, { code: 'LOCK_BUSY' });
      await locks.advanceTime(MINUTE / 2);
      second();
      await locks.advanceTime(MINUTE / 2 - 5_000);
      assert.equal(locks.stats().waiting, 1);
      await locks.advanceTime(5_000);
      await busy;
      const next = locks.acquire('order:1', { wait: 2 * MINUTE });
      await locks.advanceTime(MINUTE);
      assert.equal(held.signal.aborted, true);
      await (await next).release();
      await replica.close();
    });
  }

  it('counts the time of fake timers', async () => {
    fakes.install();
    const lease = await locks.acquire('order:1', { lease: MINUTE, renew: false });
    const aborted = new Promise((resolve) => {
      lease.signal.addEventListener('abort', resolve);
    });
    fakes.advance(MINUTE / 2);
    assert.equal(lease.signal.aborted, false);
    fakes.advance(MINUTE / 2);
    await aborted;
    await lease.release();
  });
});
