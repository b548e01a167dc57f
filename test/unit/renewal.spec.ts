import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { connectLockService } from 'nestjs-redis-lock';
import { commandsBetween, commandStats } from '../support/command-stats.js';
import { lockKey } from '../support/lock-keys.js';
import { describeWithRedisServer, RedisServer } from '../support/redis-server.js';
import { uniqueName } from '../support/test-redis.js';
import { untilIdle } from '../support/until-idle.js';
import { waitUntil } from '../support/wait-until.js';

describeWithRedisServer('renewing leases', () => {
  let server: RedisServer;
  let admin: Redis;
  let name: string;

  beforeAll(async () => {
    server = await RedisServer.start();
    admin = server.client();
  });
  beforeEach(() => {
    name = uniqueName('renewal');
  });
  afterAll(() => server.stop());

  it('of one lock that fails repeatedly does not delay others', async () => {
    await using locks = await connectLockService({ url: server.url, lease: 1_500 });
    const leases = await Promise.all(Array.from({ length: 20 }, (_, n) => locks.acquire(`${name}:${n}`)));
    const spoilt = leases[7]!;
    await admin.set(lockKey(spoilt.name), 'no lock');
    await waitUntil('the spoilt one is lost', () => spoilt.signal.aborted);
    await sleep(1_600);
    for (const lease of leases) {
      if (lease !== spoilt) lease.assertHeld();
      await expect(lease.release()).resolves.toBe(lease === spoilt ? 'lost' : 'released');
    }
    // Its release is refused for as long as the key is no lock.
    await admin.del(lockKey(spoilt.name));
    await untilIdle(locks);
  });

  it('is never sent after a release with holdAtLeast, even if both are due in one tick', async () => {
    await using locks = await connectLockService({ url: server.url, lease: 6_000 });
    const kept = await locks.acquire(name, { holdAtLeast: 2_500 });
    const short = await locks.acquire(`${name}:short`, { lease: 1_000, renew: false });
    let released: Promise<unknown> | undefined;
    short.signal.addEventListener('abort', () => {
      released = kept.release();
    });
    // Past the end of the one, and past the time to renew the other: what is due fires in one go.
    const end = performance.now() + 2_100;
    while (performance.now() < end);
    await waitUntil('the short one is lost', () => released !== undefined);
    expect(await released).toBe('released');
    await sleep(100);
    expect((await locks.inspect(name)).remainingMs ?? 0).toBeLessThan(1_000);
    await short.release();
    await untilIdle(locks);
  });

  it('of many locks takes few commands', async () => {
    await using locks = await connectLockService({ url: server.url, lease: 6_000 });
    const leases = await Promise.all(Array.from({ length: 500 }, (_, n) => locks.acquire(`${name}:${n}`)));
    const before = await commandStats(admin);
    await sleep(2_500);
    const counts = commandsBetween(before, await commandStats(admin));
    const renewed = (counts.get('pexpire') ?? 0) / 2;
    expect(renewed).toBeGreaterThanOrEqual(500);
    expect(counts.get('evalsha')).toBeLessThan(renewed / 20);
    await Promise.all(leases.map((lease) => lease.release()));
    await untilIdle(locks);
  });

  it('stops with the release, and with the loss', async () => {
    await using locks = await connectLockService({ url: server.url, lease: 300 });
    const released = await locks.acquire(`${name}:released`);
    const lost = await locks.acquire(`${name}:lost`);
    await sleep(500);
    await released.release();
    await locks.forceRelease(lost.name);
    await waitUntil('it is told', () => lost.signal.aborted);
    const before = await commandStats(admin);
    await sleep(700);
    // Renewals would be seven. The loss is notified once, which may come after the count was begun.
    expect(commandsBetween(before, await commandStats(admin)).get('evalsha') ?? 0).toBeLessThanOrEqual(1);
    await lost.release();
    await untilIdle(locks);
  });

  it('never overlaps with itself, even if the server is slow', async () => {
    await using locks = await connectLockService({ url: server.url, lease: 3_000, commandTimeout: 1_000 });
    const lease = await locks.acquire(name);
    const before = await commandStats(admin);
    server.freeze();
    await sleep(1_750);
    server.thaw();
    await waitUntil('it was renewed after that', () => lease.remaining() > 2_000);
    const renewals = commandsBetween(before, await commandStats(admin)).get('evalsha') ?? 0;
    expect(renewals).toBeGreaterThanOrEqual(1);
    expect(renewals).toBeLessThanOrEqual(4);
    lease.assertHeld();
    await lease.release();
    await untilIdle(locks);
  });

  it('never touches a fixed lease', async () => {
    await using locks = await connectLockService({ url: server.url, lease: 300 });
    const fixed = await locks.acquire(name, { lease: 1_000, renew: false });
    const before = await commandStats(admin);
    await sleep(500);
    expect(commandsBetween(before, await commandStats(admin)).get('evalsha') ?? 0).toBe(0);
    expect(await admin.pttl(lockKey(name))).toBeLessThanOrEqual(500);
    await fixed.release();
  });
});
