import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { commandsBetween, commandStats } from '../support/command-stats.js';
import { describeEachWithRedisServer, RedisServer } from '../support/redis-server.js';
import { SUBJECTS } from '../support/subjects.js';
import { untilSubscribed } from '../support/subscribers.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { uniqueName } from '../support/test-redis.js';
import { untilIdle } from '../support/until-idle.js';

describeEachWithRedisServer(SUBJECTS, 'when the connection for notifications of $label is closed', (subject) => {
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

  const untilListening = (): Promise<void> => untilSubscribed(admin, name, 1, subject.channel);

  it('a waiter still gets the lock when it is released, long before its lease would end', async () => {
    await using holder = await subject.connect({ url: server.url, lease: 60_000 });
    await using locks = await subject.connect({ url: server.url });
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
    await using holder = await subject.connect({ url: server.url, lease: 60_000 });
    await using locks = await subject.connect({ url: server.url });
    const lease = await holder.acquire(name);
    const waiting = locks.acquire(name, { wait: Infinity });
    await untilListening();
    // In one go on one connection: nothing can subscribe in between, so the notice reaches nobody.
    const killed = admin.call('client', 'kill', 'type', 'pubsub');
    const freed = subject.lose(admin, name);
    const told = admin.publish(subject.channel(name), '0');
    await freed;
    expect(await told).toBe(0);
    await killed;
    const next = await waiting;
    expect(next.token).toBeGreaterThan(lease.token);
    await next.release();
    await lease.release();
    await untilIdle(holder, locks);
  });

  it('no requests are sent at intervals, before and after', async () => {
    await using holder = await subject.connect({ url: server.url, lease: 60_000 });
    await using locks = await subject.connect({ url: server.url });
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
    await using holder = await subject.connect({ url: server.url });
    const client = server.client();
    // A client whose connection for notices goes elsewhere: through a proxy that refuses everything.
    const duplicate = client.duplicate.bind(client);
    client.duplicate = (override) => duplicate({ ...override, port: proxy.port });
    proxy.refuse();
    await using locks = await subject.connect({ client, startup: 'background' });
    const lease = await holder.acquire(name, { lease: 1_000, renew: false });
    const next = await locks.acquire(name, { wait: 20_000 });
    await next.release();
    await lease.release();
    client.disconnect();
  });
});
