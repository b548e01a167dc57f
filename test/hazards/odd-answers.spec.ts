import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { createLockService, LockUnavailableError, type LockService } from 'nestjs-redis-lock';
import { redisClient, uniqueName } from '../support/test-redis.js';

/** A caller's client may do more than send what it is given and pass the answer on. */
describe('on a caller’s client', () => {
  let client: Redis;
  let admin: Redis;
  let locks: LockService;

  beforeEach(async () => {
    client = redisClient();
    admin = redisClient();
    locks = createLockService({ client, lease: 1_000 });
    await client.ping();
  });
  afterEach(async () => {
    await locks.close();
    client.disconnect();
    admin.disconnect();
  });

  it('grants no lock while the server only queues requests, in a transaction of the caller', async () => {
    const name = uniqueName('queued');
    await locks.withLock(name, () => undefined);
    const token = `redisson_lock_token:{lock:${name}}`;
    await client.multi({ pipeline: false });
    const asked = locks.acquire(name, { wait: 0 });
    await expect(asked).rejects.toBeInstanceOf(LockUnavailableError);
    await client.exec();
    await locks.withLock(name, (lease) => {
      expect(lease.token).toBeGreaterThan(1e15);
    });
    expect(Number(await admin.get(token))).toBeGreaterThan(1e15);
  });

  it('reports the error that a client throws', async () => {
    const name = uniqueName('throws');
    const call = client.call.bind(client);
    await locks.withLock(name, () => undefined);
    client.call = () => {
      throw new Error('out of order');
    };
    const asked = [locks.acquire(name, { wait: 0 }), locks.acquire(uniqueName('throws'), { wait: 0 })];
    for (const each of await Promise.allSettled(asked)) {
      expect(each).toMatchObject({ status: 'rejected', reason: { code: 'LOCK_UNAVAILABLE' } });
    }
    await expect(locks.inspect(name)).rejects.toBeInstanceOf(LockUnavailableError);
    client.call = call;
    await locks.withLock(name, () => undefined);
  });
});
