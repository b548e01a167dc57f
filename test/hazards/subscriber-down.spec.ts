import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { connectLockService } from 'nestjs-redis-lock';
import { commandsBetween, commandStats } from '../support/command-stats.js';
import { noticeChannel } from '../support/lock-keys.js';
import { describeWithRedisServer, RedisServer } from '../support/redis-server.js';
import { untilSubscribed } from '../support/subscribers.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { uniqueName } from '../support/test-redis.js';
import { untilIdle } from '../support/until-idle.js';

describeWithRedisServer('when the connection for notifications is closed', () => {
  let server: RedisServer;
  let admin: Redis;
  let name: string;

  beforeAll(async () => {
    server = await RedisServer.start();
    admin = server.client();
  });
  beforeEach(() => {
    name = uniqueName('subscriber');
  });
  afterAll(() => server.stop());

  const untilListening = (): Promise<void> => untilSubscribed(admin, name);

  it('a waiter still gets the lock when it is released, long before its lease would end', async () => {
    await using holder = await connectLockService({ url: server.url, lease: 60_000 });
    await using locks = await connectLockService({ url: server.url });
    const lease = await holder.acquire(name);
    const waiting = locks.acquire(name, { wait: Infinity });
    for (let round = 0; round < 3; round += 1) {
      await untilListening();
      await admin.call('client', 'kill', 'type', 'pubsub');
    }
    await untilListening();
    await lease.release();
    const next = await waiting;
    await next.release();
    await untilIdle(holder, locks);
  });

  it('a release without a notification is detected as soon as the connection is back', async () => {
    await using holder = await connectLockService({ url: server.url, lease: 60_000 });
    await using locks = await connectLockService({ url: server.url });
    const lease = await holder.acquire(name);
    const waiting = locks.acquire(name, { wait: Infinity });
    await untilListening();
    // In one go on one connection: nothing can subscribe in between, so the notice reaches nobody.
    const killed = admin.call('client', 'kill', 'type', 'pubsub');
    const freed = admin.del(`lock:${name}`);
    const told = admin.publish(noticeChannel(name), '0');
    expect(await Promise.all([freed, told])).toEqual([1, 0]);
    await killed;
    const next = await waiting;
    expect(next.token).toBeGreaterThan(lease.token);
    await next.release();
    await lease.release();
    await untilIdle(holder, locks);
  });

  it('no requests are sent at intervals, before and after', async () => {
    await using holder = await connectLockService({ url: server.url, lease: 60_000 });
    await using locks = await connectLockService({ url: server.url });
    const lease = await holder.acquire(name);
    const waiting = locks.acquire(name, { wait: Infinity });
    await untilListening();
    await admin.call('client', 'kill', 'type', 'pubsub');
    await untilListening();
    await sleep(100);
    const before = await commandStats(admin);
    await sleep(1_500);
    const counts = commandsBetween(before, await commandStats(admin));
    expect(counts.get('evalsha') ?? 0).toBe(0);
    await lease.release();
    await (await waiting).release();
    await untilIdle(holder, locks);
  });

  it('and stays closed, a waiter gets the lock when the lease of the holder ends', async () => {
    await using proxy = await TcpProxy.start(server.url);
    await using holder = await connectLockService({ url: server.url });
    const client = server.client();
    // A client whose connection for notices goes elsewhere: through a proxy that refuses everything.
    const duplicate = client.duplicate.bind(client);
    client.duplicate = (override) => duplicate({ ...override, port: proxy.port });
    proxy.refuse();
    await using locks = await connectLockService({ client, startup: 'background' });
    const lease = await holder.acquire(name, { lease: 1_000, renew: false });
    const next = await locks.acquire(name, { wait: 20_000 });
    await next.release();
    await lease.release();
    client.disconnect();
  });
});
