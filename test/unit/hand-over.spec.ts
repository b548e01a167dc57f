import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { connectLockService, LockBusyError } from 'nestjs-redis-lock';
import { commandsBetween, commandStats } from '../support/command-stats.js';
import { lockKey } from '../support/lock-keys.js';
import { describeWithRedisServer, RedisServer } from '../support/redis-server.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { uniqueName } from '../support/test-redis.js';
import { untilIdle } from '../support/until-idle.js';
import { waitUntil } from '../support/wait-until.js';

describeWithRedisServer('handing a lock over within the process', () => {
  let server: RedisServer;
  let admin: Redis;
  let name: string;

  beforeAll(async () => {
    server = await RedisServer.start();
    admin = server.client();
  });
  beforeEach(() => {
    name = uniqueName('hand-over');
  });
  afterAll(() => server.stop());

  const scripts = async (work: () => Promise<unknown>): Promise<number> => {
    const before = await commandStats(admin);
    await work();
    const counts = commandsBetween(before, await commandStats(admin));
    return (counts.get('evalsha') ?? 0) + (counts.get('eval') ?? 0);
  };

  it('costs no command: the next local caller is served with the same hold and a larger token', async () => {
    await using locks = await connectLockService({ url: server.url, handOverTime: 60_000 });
    const first = await locks.acquire(name);
    const waiting = [1, 2, 3, 4].map(() => locks.acquire(name));
    // This round goes back to Redis: the first reserved no tokens for the others, who came later.
    await first.release();
    const second = await waiting[0]!;
    const owner = (await locks.inspect(name)).owner;
    let last = second;
    const used = await scripts(async () => {
      for (const next of waiting.slice(1)) {
        await last.release();
        const lease = await next;
        expect(lease.token).toBeGreaterThan(last.token);
        last = lease;
      }
    });
    expect(used).toBe(0);
    expect((await locks.inspect(name)).owner).toBe(owner);
    await last.release();
    await untilIdle(locks);
  });

  it('ends after the hand-over time, so that another process gets the lock', async () => {
    await using locks = await connectLockService({ url: server.url, handOverTime: 20 });
    await using others = await connectLockService({ url: server.url });
    const served: string[] = [];
    const first = await locks.acquire(name);
    const mine = Array.from({ length: 60 }, () =>
      locks.withLock(name, async () => {
        served.push('mine');
        await sleep(3);
      }),
    );
    await first.release();
    // The first hold had no tokens in reserve; the one that serves now has enough for all the rest.
    await waitUntil('it is being handed over', () => served.length >= 3);
    const theirs = others.withLock(name, () => served.push('theirs'), { wait: 20_000 });
    await Promise.all([...mine, theirs]);
    expect(served).toHaveLength(61);
    expect(served.indexOf('theirs')).toBeLessThan(60);
    await untilIdle(locks, others);
  });

  it('ends after the hand-over count, too', async () => {
    await using locks = await connectLockService({ url: server.url, handOverTime: 60_000, handOverCount: 5 });
    await using others = await connectLockService({ url: server.url });
    const served: string[] = [];
    const first = await locks.acquire(name);
    const mine = Array.from({ length: 40 }, () => locks.withLock(name, () => sleep(3).then(() => served.push('mine'))));
    await first.release();
    await waitUntil('it is being handed over', () => served.length >= 3);
    const theirs = others.withLock(name, () => served.push('theirs'), { wait: 20_000 });
    await Promise.all([...mine, theirs]);
    expect(served.indexOf('theirs')).toBeLessThan(40);
    await untilIdle(locks, others);
  });

  it('gives each caller with a fixed lease its full length by a renewal before', async () => {
    await using locks = await connectLockService({ url: server.url, handOverTime: 60_000 });
    const first = await locks.acquire(name, { lease: 2_000, renew: false });
    const waiting = [1, 2, 3].map(() => locks.acquire(name, { lease: 2_000, renew: false }));
    await sleep(300);
    await first.release();
    for (const next of waiting) {
      const lease = await next;
      expect(lease.remaining()).toBeGreaterThan(1_700);
      expect(await admin.pttl(lockKey(name))).toBeGreaterThan(1_700);
      await sleep(300);
      await lease.release();
    }
    await untilIdle(locks);
  });

  it('gives each caller its own lease length, and renews only leases with `renew`', async () => {
    await using locks = await connectLockService({ url: server.url, handOverTime: 60_000, lease: 900 });
    const first = await locks.acquire(name);
    const fixed = locks.acquire(name, { lease: 600, renew: false });
    const renewed = locks.acquire(name, { wait: 20_000 });
    await first.release();
    const second = await fixed;
    expect(second.remaining()).toBeLessThanOrEqual(600);
    await waitUntil('the fixed one is over', () => second.signal.aborted);
    const third = await renewed;
    await sleep(1_300);
    third.assertHeld();
    await expect(second.release()).resolves.toBe('lost');
    await expect(third.release()).resolves.toBe('released');
    await untilIdle(locks);
  });

  it('gives each caller a lease of its own length, which is renewed to that length', async () => {
    await using locks = await connectLockService({ url: server.url, handOverTime: 60_000 });
    const first = await locks.acquire(name, { lease: 20_000 });
    const [short, long] = [locks.acquire(name, { lease: 900 }), locks.acquire(name, { lease: 10_000 })];
    await first.release();
    const second = await short;
    expect(second.remaining()).toBeLessThanOrEqual(900);
    expect(await admin.pttl(lockKey(name))).toBeLessThanOrEqual(900);
    await sleep(1_300);
    second.assertHeld();
    expect(await admin.pttl(lockKey(name))).toBeLessThanOrEqual(900);
    await expect(second.release()).resolves.toBe('released');
    const third = await long;
    expect(third.remaining()).toBeGreaterThan(5_000);
    expect(await admin.pttl(lockKey(name))).toBeGreaterThan(5_000);
    await expect(third.release()).resolves.toBe('released');
    await untilIdle(locks);
  });

  it('does not happen with a hold whose last renewal failed', async () => {
    await using proxy = await TcpProxy.start(server.url);
    await using locks = await connectLockService({
      url: proxy.url,
      lease: 3_000,
      commandTimeout: 200,
      handOverTime: 60_000,
    });
    const first = await locks.acquire(name);
    const waiting = [1, 2, 3].map(() => locks.acquire(name, { wait: 20_000 }));
    await first.release();
    // This hold has tokens in reserve: it would be handed over without asking Redis.
    const holder = await waiting[0]!;
    proxy.requests = 'hold';
    // The renewal at a third of the lease has no answer within its time.
    const { hold } = Reflect.get(holder, 'callerHold') as { hold: { doubtful: boolean } };
    await waitUntil('the renewal has failed', () => hold.doubtful);
    const owner = await admin.hkeys(lockKey(name));
    const released = holder.release();
    proxy.requests = 'pass';
    await released;
    const next = await waiting[1]!;
    expect(await admin.hkeys(lockKey(name))).not.toEqual(owner);
    await next.release();
    await (await waiting[2]!).release();
    await untilIdle(locks);
  });

  it('rejects a waiter in the meantime with "busy", not with "unavailable"', async () => {
    await using one = await connectLockService({ url: server.url, handOverTime: 8 });
    await using two = await connectLockService({ url: server.url, handOverTime: 8 });
    const done = new AbortController();
    const greedy = [one, two].flatMap((locks) =>
      [1, 2].map(async () => {
        while (!done.signal.aborted) await locks.withLock(name, () => sleep(4));
      }),
    );
    const errors: unknown[] = [];
    for (let round = 0; round < 150; round += 1) {
      // They come and leave at every possible moment of the others' rounds, with time for Redis to reply on a busy machine.
      const asked = performance.now();
      await server.client().ping();
      const roundTripMs = Math.ceil(performance.now() - asked);
      const lease = await one
        .acquire(name, { wait: 4 * roundTripMs + 2 * (round % 7) })
        .catch((error: unknown) => void errors.push(error));
      await lease?.release();
    }
    done.abort();
    await Promise.all(greedy);
    expect(errors.length).toBeGreaterThan(5);
    expect(errors.filter((error) => !(error instanceof LockBusyError))).toEqual([]);
    await untilIdle(one, two);
  });
});
