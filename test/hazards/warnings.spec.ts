import { createServer } from 'node:net';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { connectLockService, createLockService, type LockLogger } from 'nestjs-redis-lock';
import { lockKey } from '../support/lock-keys.js';
import { RedisServer } from '../support/redis-server.js';
import { redisClient, testRedisUrl, uniqueName } from '../support/test-redis.js';
import { waitUntil } from '../support/wait-until.js';

describe('an operator is warned', () => {
  const url = testRedisUrl();
  let name: string;
  let lines: string[];
  let logger: LockLogger;

  beforeEach(() => {
    name = uniqueName('warned');
    lines = [];
    logger = { warn: (message: string) => lines.push(message) };
  });
  afterEach(() => {
    for (const line of lines) expect(line).not.toMatch(/[\n\r]/);
  });

  it('once of a lock that was deleted while it was held, when a renewal finds it gone', async () => {
    await using locks = await connectLockService({ url, lease: 300, logger });
    const lease = await locks.acquire(name);
    const admin = redisClient();
    await admin.del(lockKey(name));
    admin.disconnect();
    await waitUntil('it is lost', () => lease.signal.aborted);
    await lease.release();
    expect(lines).toEqual([
      expect.stringContaining(`Lock "${name}" was lost while it was held: Redis no longer knows`),
    ]);
    expect(lines[0]).toContain('maxmemory-policy');
  });

  it('once of a lock whose loss is detected by its release', async () => {
    await using locks = await connectLockService({ url, logger });
    const lease = await locks.acquire(name);
    const admin = redisClient();
    await admin.del(lockKey(name));
    admin.disconnect();
    expect(await lease.release()).toBe('lost');
    expect(lines).toEqual([expect.stringContaining('was lost')]);
  });

  it('once of a fixed lease that ended before its section', async () => {
    await using locks = await connectLockService({ url, logger });
    await locks.withLock(name, ({ signal }) => once(signal, 'abort'), { lease: 100, renew: false });
    expect(lines).toEqual([expect.stringContaining('its fixed lease of 100 ms ended before it was released')]);
  });

  it('of nothing if a lock is acquired and released normally', async () => {
    await using others = await connectLockService({ url });
    await using locks = await connectLockService({ url, logger, startup: 'background' });
    await locks.withLock(name, () => undefined);
    const lease = await others.acquire(name);
    await expect(locks.acquire(name, { wait: 500 })).rejects.toMatchObject({ code: 'LOCK_BUSY' });
    await lease.release();
    const own = await locks.acquire(name);
    await own.release();
    await locks.close();
    expect(lines).toEqual([]);
  });

  it('of failing renewals once for each lease, and again when they fail after they had succeeded', async () => {
    await using server = await RedisServer.start();
    await using locks = await connectLockService({ url: server.url, lease: 3_000, commandTimeout: 50, logger });
    await using lease = await locks.acquire(name);
    const renewalWarnings = (): string[] => lines.filter((line) => line.includes('could not be renewed'));
    const failsOnce = async (count: number): Promise<void> => {
      server.freeze();
      await waitUntil('a renewal failed', () => renewalWarnings().length === count);
      await sleep(700);
      expect(renewalWarnings()).toHaveLength(count);
      server.thaw();
      const left = lease.remaining();
      await waitUntil('it is renewed', () => lease.remaining() > left + 500);
    };
    await failsOnce(1);
    await failsOnce(2);
    expect(renewalWarnings()[0]).toContain(`lock "${name}"`);
    expect(lease.signal.aborted).toBe(false);
  });

  it('of a background start without Redis, once when it is unreachable and once when it is reachable', async () => {
    const reserved = createServer().listen(0, '127.0.0.1');
    await once(reserved, 'listening');
    const { port } = reserved.address() as { port: number };
    reserved.close();
    await once(reserved, 'close');
    const options = { url: `redis://:secret@127.0.0.1:${String(port)}`, startupTimeout: 100, logger };
    await using locks = await connectLockService({ ...options, startup: 'background' });
    await waitUntil('it is reported', () => lines.length === 1);
    await sleep(1_500);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('Locks cannot be used yet');
    expect(lines[0]).not.toContain('secret');

    await using _server = await RedisServer.startWith({ port });
    await waitUntil('the end is reported', () => lines.length === 2);
    expect(lines[1]).toContain('locks can be used');
    await locks.withLock(name, () => undefined);
  });

  it('of a background start that has a missing permission', async () => {
    await using server = await RedisServer.start();
    const admin = redisClient(server.url);
    await admin.call('ACL', 'SETUSER', 'default', '-publish');
    await using locks = createLockService({ url: server.url, logger });
    await waitUntil('it is reported', () => lines.length === 1);
    expect(lines[0]).toContain('Locks cannot be used yet');
    await locks.close();
    admin.disconnect();
  });

  it('of a shutdown that waits for a lease, with its name, and of locks that it does not release', async () => {
    const locks = await connectLockService({ url, shutdownTimeout: 2_000, logger });
    const lease = await locks.acquire(name, { lease: 10_000, renew: false });
    const closing = locks.close();
    await waitUntil('it is reported', () => lines.length === 1);
    expect(lines[0]).toContain(`The shutdown waits for lock "${name}", for 500 ms more at most`);
    await closing;
    expect(lines).toHaveLength(2);
    expect(lines[1]).toContain(`The shutdown did not release lock "${name}"`);
    await lease.release();
  });

  it('of nothing with `logger: false`, which is the default without Nest', async () => {
    const locks = await connectLockService({ url, shutdownTimeout: 50, logger: false });
    const lease = await locks.acquire(name, { lease: 100, renew: false });
    await waitUntil('it is lost', () => lease.signal.aborted);
    await locks.close();
    expect(lines).toEqual([]);
  });
});
