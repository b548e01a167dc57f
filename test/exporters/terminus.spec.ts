import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Module } from '@nestjs/common';
import { HealthCheck, HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { Test } from '@nestjs/testing';
import type { INestApplication } from '@nestjs/common';
import { connectLockService, LockService, RedisLockModule, type RedisLockModuleOptions } from 'nestjs-redis-lock';
import { LockHealthIndicator } from 'nestjs-redis-lock/terminus';
import request from 'supertest';
import { QuorumNodes } from '../support/quorum-nodes.js';
import { describeWithRedisServer, RedisServer } from '../support/redis-server.js';
import { testRedisUrl, uniqueName } from '../support/test-redis.js';
import { waitUntil } from '../support/wait-until.js';

@Controller('health')
class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly locks: LockHealthIndicator,
  ) {}

  @Get()
  @HealthCheck()
  check() {
    return this.health.check([() => this.locks.check('locks', { timeout: 500 })]);
  }
}

interface Answer {
  readonly http: number;
  readonly overall: string;
  readonly status: string;
  readonly message?: string;
  readonly [figure: string]: unknown;
}

describe('the health indicator', () => {
  let app: INestApplication;
  const start = async (options: RedisLockModuleOptions): Promise<LockService> => {
    @Module({
      imports: [TerminusModule.forRoot({ logger: false }), RedisLockModule.forRoot({ logger: false, ...options })],
      controllers: [HealthController],
      providers: [LockHealthIndicator],
    })
    class AppModule {}
    const module = await Test.createTestingModule({ imports: [AppModule] }).compile();
    app = module.createNestApplication();
    await app.init();
    return app.get(LockService);
  };
  const check = async (): Promise<Answer> => {
    const { status: http, body } = await request(app.getHttpServer()).get('/health');
    return { http, overall: body.status, ...body.details.locks };
  };
  const until = (status: string): Promise<Answer> =>
    waitUntil(`the status is ${status}`, async () => {
      const answer = await check();
      return answer.status === status ? answer : undefined;
    }) as Promise<Answer>;

  afterEach(() => app.close());

  it('reports locks that can be used, with their numbers', async () => {
    const locks = await start({ url: testRedisUrl() });
    await using _lease = await locks.acquire(uniqueName('health'));
    expect(await check()).toEqual({
      http: 200,
      overall: 'ok',
      status: 'up',
      held: 1,
      waiting: 0,
      failingRenewals: 0,
      unnotified: 0,
    });
    // It only reads the lock.
    expect((await locks.inspect('health')).token).toBeUndefined();
  });

  it('works with the memory store', async () => {
    await start({ memory: true });
    expect(await check()).toMatchObject({ http: 200, status: 'up' });
  });

  describeWithRedisServer('with a server of its own', () => {
    it('reports a Redis that does not reply as down, until it does', async () => {
      await using server = await RedisServer.start();
      const locks = await start({ url: server.url, commandTimeout: 300 });
      await using _lease = await locks.acquire(uniqueName('health'));
      server.freeze();
      const down = await until('down');
      expect(down).toMatchObject({ http: 503, overall: 'error', held: 1 });
      expect(down.message).toEqual(expect.any(String));
      server.thaw();
      await until('up');
    });

    it('reports failing renewals as degraded', async () => {
      await using server = await RedisServer.start();
      const locks = await start({ url: server.url, lease: 6_000 });
      await using lease = await locks.acquire(uniqueName('health'));
      const admin = server.client();
      await admin.call('ACL', 'SETUSER', 'default', '-pexpire');
      expect(await until('degraded')).toMatchObject({
        http: 200,
        message: 'held locks that could not be renewed: 1',
        held: 1,
        failingRenewals: 1,
      });
      await admin.call('ACL', 'SETUSER', 'default', '+pexpire');
      await until('up');
      expect(lease.signal.aborted).toBe(false);
    });

    it('reports waiters without notifications as degraded', async () => {
      await using server = await RedisServer.start();
      await using others = await connectLockService({ url: server.url });
      const locks = await start({ url: server.url, commandTimeout: 500 });
      const name = uniqueName('health');
      const lease = await others.acquire(name);
      const waiting = locks.acquire(name, { wait: Infinity });
      const admin = server.client();
      await waitUntil('the waiter is subscribed', async () => {
        const channels = (await admin.call('pubsub', 'channels')) as string[];
        return channels.some((channel) => channel.includes(name));
      });
      await admin.config('SET', 'maxclients', '1');
      await admin.call('client', 'kill', 'type', 'pubsub');
      expect(await until('degraded')).toEqual({
        http: 200,
        overall: 'degraded',
        status: 'degraded',
        message: 'locks with waiters but without notifications: 1',
        held: 0,
        waiting: 1,
        failingRenewals: 0,
        unnotified: 1,
      });
      await admin.config('SET', 'maxclients', '1000');
      await until('up');
      await lease.release();
      await (await waiting).release();
    });

    it('reports the loss of one node of a quorum as degraded, and of two as down', async () => {
      await using nodes = await QuorumNodes.start(3);
      await start({ quorum: nodes.urls, restartGuard: 0 });
      expect(await check()).toMatchObject({ http: 200, status: 'up', nodes: [{}, {}, {}] });
      await nodes.servers[0]!.kill();
      const degraded = await until('degraded');
      expect(degraded).toMatchObject({ http: 200, overall: 'degraded' });
      expect(degraded.message).toMatch(/^node 127\.0\.0\.1:\d+ is unreachable$/);
      await nodes.servers[1]!.kill();
      expect(await until('down')).toMatchObject({ http: 503, overall: 'error' });
    });
  });

  it('reports a service that shuts down', async () => {
    const locks = await start({ url: testRedisUrl() });
    locks.refuse();
    expect(await check()).toMatchObject({ http: 503, status: 'down', message: 'the lock service is shutting down' });
  });

  it('rejects a connection that is not there', async () => {
    await start({ memory: true });
    const indicator = app.get(LockHealthIndicator);
    await expect(indicator.check('locks', { connection: 'billing' })).rejects.toThrow('billing');
    await expect(indicator.check('locks', { timeout: 0 })).rejects.toThrow('"timeout"');
  });
});
