import { expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { LockService, LockUnavailableError, RedisLockModule, WithLock } from 'nestjs-redis-lock';
import { describeWithRedisServer, RedisServer } from '../support/redis-server.js';
import { waitUntil } from '../support/wait-until.js';

@Injectable()
class Jobs {
  ran = 0;

  @WithLock('job', { wait: 0 })
  async run(): Promise<string> {
    this.ran++;
    return 'ran';
  }
}

describeWithRedisServer('the start of an app', () => {
  it('fails within its time limit while Redis is down', async () => {
    await using redis = await RedisServer.start();
    await redis.kill();
    const { url } = redis;

    const starting = Test.createTestingModule({
      imports: [RedisLockModule.forRoot({ url, startupTimeout: 300 })],
      providers: [Jobs],
    }).compile();

    // Were it not bounded, the time limit of the test would end it.
    await expect(starting).rejects.toThrow(LockUnavailableError);
  });

  it('fails while Redis is suspended, and accepts connections without replies', async () => {
    await using redis = await RedisServer.start();
    redis.freeze();

    const starting = Test.createTestingModule({
      imports: [RedisLockModule.forRoot({ url: redis.url, startupTimeout: 300 })],
    }).compile();

    await expect(starting).rejects.toThrow(LockUnavailableError);
    redis.thaw();
  });

  it("succeeds without Redis with startup: 'background'; calls fail until Redis is reachable", async () => {
    await using redis = await RedisServer.start();
    await redis.kill();
    const app = await Test.createTestingModule({
      imports: [RedisLockModule.forRoot({ url: redis.url, startup: 'background', commandTimeout: 200 })],
      providers: [Jobs],
    }).compile();
    await app.init();
    const jobs = app.get(Jobs);

    try {
      const early = await jobs.run().catch((error: unknown) => error);
      const ranWithoutRedis = jobs.ran;
      await redis.restart();
      const result = await waitUntil('it has healed', () => jobs.run().catch(() => undefined));

      expect(early).toBeInstanceOf(LockUnavailableError);
      expect(ranWithoutRedis).toBe(0);
      expect(result).toBe('ran');
      expect(app.get(LockService).stats().held).toBe(0);
    } finally {
      await app.close();
    }
  });
});
