import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { connectLockService, lockChannels, type LockService } from 'nestjs-redis-lock';
import { lockKey } from '../support/lock-keys.js';
import { describeWithRedisServer, RedisServer } from '../support/redis-server.js';
import { uniqueName } from '../support/test-redis.js';
import { waitUntil } from '../support/wait-until.js';

describeWithRedisServer('before a lock is lost, or a waiter is forgotten', () => {
  const seen = new Map<string, unknown[]>();
  const listeners = Object.values(lockChannels).map((channel) => ({
    channel,
    listener: (message: unknown) => void seen.get(channel)?.push(message),
  }));
  const told = (channel: string): unknown[] => seen.get(channel) ?? [];
  let server: RedisServer;
  let admin: Redis;
  let name: string;

  beforeEach(async () => {
    server = await RedisServer.start();
    admin = server.client();
    name = uniqueName('early');
    for (const { channel, listener } of listeners) {
      seen.set(channel, []);
      subscribe(channel, listener);
    }
  });
  afterEach(async () => {
    for (const { channel, listener } of listeners) unsubscribe(channel, listener);
    await server.stop();
  });
  const connect = (options = {}): Promise<LockService> =>
    connectLockService({ url: server.url, logger: false, ...options });

  const subscribed = (): Promise<unknown> =>
    waitUntil('the waiter is subscribed', async () => {
      const channels = (await admin.call('pubsub', 'channels')) as string[];
      return channels.some((channel) => channel.includes(name));
    });

  it('each failed renewal is reported, and counted until one succeeds, which is reported as late', async () => {
    await using locks = await connect({ lease: 3_000, commandTimeout: 50 });
    await using lease = await locks.acquire(name, { label: 'orders' });
    expect(locks.stats().failingRenewals).toBe(0);
    server.freeze();
    await waitUntil('less than a third of the lease is left', () => lease.remaining() < 900);
    expect(told(lockChannels.renewalFailed)[0]).toEqual({
      name,
      label: 'orders',
      mode: 'exclusive',
      token: lease.token,
      remainingMs: expect.any(Number),
      error: expect.objectContaining({ code: 'LOCK_UNAVAILABLE' }),
    });
    expect(locks.stats().failingRenewals).toBe(1);
    server.thaw();
    await waitUntil('it is renewed', () => locks.stats().failingRenewals === 0);
    expect(lease.signal.aborted).toBe(false);
    expect(told(lockChannels.renewedLate)).toEqual([
      { name, label: 'orders', mode: 'exclusive', token: lease.token, leaseMs: 3_000, remainingMs: expect.any(Number) },
    ]);
    const [late] = told(lockChannels.renewedLate) as { remainingMs: number }[];
    expect(late!.remainingMs).toBeLessThan(1_000);
  });

  it('a renewal in time is not reported as late', async () => {
    await using locks = await connect({ lease: 600 });
    await using _lease = await locks.acquire(name);
    await waitUntil('it was renewed twice', () => told(lockChannels.renewed).length >= 2);
    // A stall of the machine may have delayed one.
    expect(told(lockChannels.renewedLate).length).toBeLessThan(told(lockChannels.renewed).length);
    expect(told(lockChannels.renewalFailed)).toEqual([]);
  });

  it('a lost lock is no longer counted as failing', async () => {
    await using locks = await connect({ lease: 600, commandTimeout: 50 });
    await using lease = await locks.acquire(name);
    server.freeze();
    await waitUntil('it is lost', () => lease.signal.aborted);
    expect(told(lockChannels.renewalFailed).length).toBeGreaterThan(0);
    await waitUntil('it is not counted', () => locks.stats().failingRenewals === 0);
    server.thaw();
  });

  it.each([
    ['a lock', 'exclusive', (locks: LockService) => locks.acquire(name, { label: 'orders' })],
    ['a latch', 'latch', (locks: LockService) => locks.latch(name).wait({ label: 'orders' })],
  ] as const)('a waiter that finds %s free without a notification is reported', async (_what, mode, wait) => {
    await using others = await connect();
    await using locks = await connect();
    const holder = mode === 'latch' ? undefined : await others.acquire(name);
    if (holder === undefined) await others.latch(name).trySetCount(1);
    const waiting = wait(locks);
    await subscribed();
    // Frees it without a notification.
    await admin.flushall();
    const lease = await waiting;
    expect(told(lockChannels.notifiedLate)).toEqual([{ name, label: 'orders', mode, waitedMs: expect.any(Number) }]);
    await lease?.release();
    await holder?.release();
  });

  it('a waiter that was notified, or waits for the end of a lease, is not', async () => {
    await using others = await connect();
    await using locks = await connect();
    const released = await others.acquire(name);
    const first = locks.acquire(name);
    await waitUntil('it waits', () => locks.stats().waiting === 1);
    await subscribed();
    await released.release();
    await (await first).release();

    await admin.call('hset', lockKey(name), 'a-process-that-died:1', 1);
    await admin.pexpire(lockKey(name), 1_000);
    const second = await locks.acquire(name);
    await second.release();
    expect(told(lockChannels.acquired)).toHaveLength(3);
    expect(told(lockChannels.notifiedLate)).toEqual([]);
  });

  it('waiters whose subscription fails are counted, until notifications arrive again', async () => {
    await using others = await connect();
    await using locks = await connect({ commandTimeout: 500 });
    const lease = await others.acquire(name);
    const waiting = locks.acquire(name, { wait: Infinity });
    await subscribed();
    expect(locks.stats().unnotified).toBe(0);
    // The server accepts no new connection.
    await admin.config('SET', 'maxclients', '1');
    await admin.call('client', 'kill', 'type', 'pubsub');
    await waitUntil('it is counted', () => locks.stats().unnotified === 1);
    await admin.config('SET', 'maxclients', '1000');
    await waitUntil('it is subscribed again', () => locks.stats().unnotified === 0);
    await lease.release();
    await (await waiting).release();
  });
});
