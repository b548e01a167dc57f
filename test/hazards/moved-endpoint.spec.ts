import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { connectLockService, LockUnavailableError, type LockService } from 'nestjs-redis-lock';
import { describeWithRedisServer, RedisServer } from '../support/redis-server.js';
import { untilSubscribed } from '../support/subscribers.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { redisClient, uniqueName } from '../support/test-redis.js';
import { untilIdle } from '../support/until-idle.js';

describeWithRedisServer('an address that now leads to another server', () => {
  let old: RedisServer;
  let next: RedisServer;
  let endpoint: TcpProxy;
  let name: string;

  beforeEach(async () => {
    [old, next] = await Promise.all([RedisServer.start(), RedisServer.start()]);
    endpoint = await TcpProxy.start(old.url);
    name = uniqueName('endpoint');
  });
  afterEach(async () => {
    old.thaw();
    await endpoint.close();
    await Promise.all([old.stop(), next.stop()]);
  });

  /** Two services on one endpoint: one holds the lock, the other waits for it and listens. */
  async function contend(holder: LockService, locks: LockService): Promise<{ waiting: Promise<void> }> {
    await holder.acquire(name, { lease: 60_000, renew: false });
    const waiting = locks.withLock(name, () => undefined, { wait: Infinity });
    await untilSubscribed(old.client(), name);
    return { waiting };
  }

  it('reaches the new server after the old one became a replica, with requests and with subscriptions', async () => {
    await using holder = await connectLockService({ url: endpoint.url, shutdownTimeout: 0 });
    await using locks = await connectLockService({ url: endpoint.url });
    const { waiting } = await contend(holder, locks);
    endpoint.redirect(next.url);
    await old.client().replicaof('127.0.0.1', next.port);
    // The connections are open, and what they answer is READONLY.
    await (await locks.acquire(`${name}:other`)).release();
    // The waiter's lock is free on the new server, which nobody tells: it looks as it listens there.
    await waiting;
    await untilIdle(locks);
  });

  it('reaches the new server when the old one is silent, without sending a request twice', async () => {
    await using holder = await connectLockService({ url: endpoint.url, commandTimeout: 300, shutdownTimeout: 0 });
    await using locks = await connectLockService({ url: endpoint.url, commandTimeout: 300 });
    const { waiting } = await contend(holder, locks);
    endpoint.redirect(next.url);
    old.freeze();
    const before = await locks.acquire(`${name}:other`, { wait: 0 }).catch((e: unknown) => e);
    expect(before).toBeInstanceOf(LockUnavailableError);
    await (await locks.acquire(`${name}:other`, { wait: 20_000 })).release();
    await waiting;
    await untilIdle(locks);
    // The notice of the release reached nobody twice and no lock is left.
    expect(await next.client().keys('lock:*')).toEqual([]);
  });

  it("reaches the new server with a caller's client whose reconnectOnError accepts READONLY", async () => {
    const seen: string[] = [];
    const client = redisClient(endpoint.url, {
      reconnectOnError: (error) => {
        seen.push(error.message);
        return error.message.startsWith('READONLY');
      },
    });
    await using locks = await connectLockService({ client });
    await (await locks.acquire(name)).release();
    endpoint.redirect(next.url);
    await old.client().replicaof('127.0.0.1', next.port);
    await (await locks.acquire(name)).release();
    expect(seen.some((message) => message.startsWith('READONLY'))).toBe(true);
    client.disconnect();
  });

  it('has no effect on other clients of a caller', async () => {
    const client = redisClient(endpoint.url);
    let closed = 0;
    client.on('close', () => (closed += 1));
    await using locks = await connectLockService({ client, commandTimeout: 300 });
    endpoint.redirect(next.url);
    await old.client().replicaof('127.0.0.1', next.port);
    await expect(locks.acquire(name, { wait: 500 })).rejects.toBeInstanceOf(LockUnavailableError);
    old.freeze();
    await expect(locks.acquire(name, { wait: 3_000 })).rejects.toBeInstanceOf(LockUnavailableError);
    expect(closed).toBe(0);
    client.disconnect();
  });
});
