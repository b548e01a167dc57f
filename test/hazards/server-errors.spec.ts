import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { connectLockService, LockUnavailableError, type LockService } from 'nestjs-redis-lock';
import { itSince7 } from '../support/describe-unless.js';
import { lockKey } from '../support/lock-keys.js';
import { debugAllowed } from '../support/redis-program.js';
import { describeWithRedisServer, RedisServer } from '../support/redis-server.js';
import { uniqueName } from '../support/test-redis.js';
import { untilIdle } from '../support/until-idle.js';
import { waitUntil } from '../support/wait-until.js';

describeWithRedisServer('a server that rejects requests', () => {
  let server: RedisServer;
  let admin: Redis;
  let locks: LockService;
  let name: string;

  beforeEach(async () => {
    server = await RedisServer.start(...debugAllowed());
    admin = server.client();
    locks = await connectLockService({ url: server.url, commandTimeout: 300, lease: 60_000 });
    name = uniqueName('refused');
  });
  afterEach(async () => {
    await locks.close();
    await server.stop();
  });

  const cases: { code: string; refuse: () => Promise<unknown>; allow: () => Promise<unknown> }[] = [
    {
      code: 'READONLY',
      refuse: () => admin.replicaof('127.0.0.1', '1'),
      allow: () => admin.replicaof('NO', 'ONE'),
    },
    {
      code: 'OOM',
      refuse: () => admin.config('SET', 'maxmemory', '1'),
      allow: () => admin.config('SET', 'maxmemory', '0'),
    },
    {
      code: 'NOREPLICAS',
      refuse: () => admin.config('SET', 'min-replicas-to-write', '1'),
      allow: () => admin.config('SET', 'min-replicas-to-write', '0'),
    },
    {
      code: 'MISCONF',
      refuse: async () => {
        const [, folder] = (await admin.config('GET', 'dir')) as [string, string];
        // A folder in the place of the dump: it cannot be written.
        mkdirSync(join(folder, 'dump.rdb', 'in-the-way'), { recursive: true });
        await admin.config('SET', 'save', '3600 1');
        await admin.bgsave();
        await waitUntil('saving has failed', async () =>
          (await admin.info('persistence')).includes('rdb_last_bgsave_status:err'),
        );
      },
      allow: () => admin.config('SET', 'save', ''),
    },
  ];

  for (const { code, refuse, allow } of cases) {
    const test = code === 'NOREPLICAS' ? itSince7 : it;
    test(`with ${code} is unavailable, not busy, and retryable`, async () => {
      await refuse();
      const once = await locks.tryAcquire(name).catch((e: unknown) => e);
      expect(once).toBeInstanceOf(LockUnavailableError);
      expect(once).toMatchObject({ lockName: name, retryable: true, outcomeUnknown: false });
      expect((once as Error).message).toContain(code);
      await expect(locks.acquire(name, { wait: 200 })).rejects.toBeInstanceOf(LockUnavailableError);
      const waiting = locks.acquire(name, { wait: Infinity });
      await allow();
      const lease = await waiting;
      await expect(lease.release()).resolves.toBe('released');
      await untilIdle(locks);
    });

    test(`with ${code} while a lock is held gets the release again later`, async () => {
      const lease = await locks.acquire(name);
      await refuse();
      const outcome = await lease.release();
      // Some servers refuse only what needs memory, and a release does not.
      expect(['unconfirmed', 'released']).toContain(outcome);
      await allow();
      await untilIdle(locks);
      expect(await admin.exists(lockKey(name))).toBe(0);
    });
  }

  it("with BUSY because of another client's long script is unavailable until that script ends", async () => {
    await admin.config('SET', 'lua-time-limit', '10');
    const endless = server.client().eval('while true do end', 0);
    const killed = expect(endless).rejects.toThrow();
    const busy = await waitUntil('the server says BUSY', async () => {
      const error: unknown = await locks.inspect(name).catch((e: unknown) => e);
      return error instanceof LockUnavailableError && error.message.includes('BUSY') ? error : undefined;
    });
    expect(busy).toMatchObject({ retryable: true });
    const waiting = locks.acquire(name, { wait: Infinity });
    await admin.script('KILL');
    await killed;
    await (await waiting).release();
    await untilIdle(locks);
  });

  itSince7('with LOADING is waited for', async () => {
    await admin.config('SET', 'key-load-delay', '50000');
    await admin.config('SET', 'loading-process-events-interval-bytes', '1024');
    for (let n = 0; n < 20; n += 1) await admin.set(`fill:${n}`, randomBytes(2_000));
    const started = admin.call('DEBUG', 'RELOAD');
    await waitUntil('the server says LOADING', async () => {
      const error: unknown = await locks.inspect(name).catch((e: unknown) => e);
      return error instanceof LockUnavailableError && error.message.includes('LOADING');
    });
    const lease = await locks.acquire(name, { wait: Infinity });
    await lease.release();
    await started;
    await untilIdle(locks);
  });
});
