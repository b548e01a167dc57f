import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { connectLockService, type LockService } from 'nestjs-redis-lock';
import { redisClient, testRedisUrl, uniqueName } from '../support/test-redis.js';
import { untilIdle } from '../support/until-idle.js';
import { waitUntil } from '../support/wait-until.js';

/** What Redisson does is done by plain commands here; test/redisson runs Redisson itself. */
describe("a lock in the layout of Redisson's RLock", () => {
  let locks: LockService;
  let admin: Redis;
  let name: string;
  let channel: string;

  beforeAll(async () => {
    locks = await connectLockService({ url: testRedisUrl(), keyPrefix: '' });
    admin = redisClient();
  });
  beforeEach(() => {
    name = uniqueName('redisson');
    channel = `redisson_lock__channel:{${name}}`;
  });
  afterAll(async () => {
    await locks.close();
    admin.disconnect();
  });

  it('is a hash with one field, the owner, whose value counts the holds, and expires with the lease', async () => {
    const lease = await locks.acquire(name, { lease: 20_000 });
    const fields = Object.entries(await admin.hgetall(name));
    expect(fields).toEqual([[expect.any(String), '1']]);
    const left = await admin.pttl(name);
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThanOrEqual(20_000);
    await lease.release();
    expect(await admin.exists(name)).toBe(0);
  });

  it('has its token in the key of RFencedLock, and continues from the value that Java stored', async () => {
    const tokenKey = `redisson_lock_token:{${name}}`;
    const first = await locks.acquire(name);
    expect(await admin.get(tokenKey)).toBe(String(first.token));
    await first.release();
    // As RFencedLock does for its next holder.
    const java = await admin.incrby(tokenKey, 60_000_000);
    const second = await locks.acquire(name);
    expect(second.token).toBeGreaterThan(java);
    await second.release();
  });

  it('is taken while Java holds it, and a waiter is notified by the unlock message of Java', async () => {
    // A lease so long that only the message can end the wait.
    await admin.hset(name, '4e3f0b64-5ff1-4b0a-8a43-3c0a2c7a3ab4:1', 1);
    await admin.pexpire(name, 600_000);
    expect(await locks.tryAcquire(name)).toBeNull();
    const waiting = locks.acquire(name, { wait: Infinity });
    await waitUntil('it waits', async () => (await admin.pubsub('NUMSUB', channel))[1] === 1);
    await admin.multi().del(name).publish(channel, '0').exec();
    await (await waiting).release();
    await untilIdle(locks);
  });

  it('publishes the unlock message that notifies Java', async () => {
    const java = redisClient();
    const messages: string[] = [];
    java.on('message', (from: string, message: string) => messages.push(`${from} ${message}`));
    await java.subscribe(channel);
    await (await locks.acquire(name)).release();
    await waitUntil('the message arrives', () => messages.length > 0);
    expect(messages).toEqual([`${channel} 0`]);
    java.disconnect();
  });
});
