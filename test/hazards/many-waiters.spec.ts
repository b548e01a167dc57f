import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { connectLockService, LockBusyError } from 'nestjs-redis-lock';
import { ChildScript } from '../support/child-script.js';
import { commandsBetween, commandStats, totalCommands, type CommandCounts } from '../support/command-stats.js';
import { describeWithRedisServer, RedisServer } from '../support/redis-server.js';
import { uniqueName } from '../support/test-redis.js';
import { untilIdle } from '../support/until-idle.js';

const withoutPings = (counts: CommandCounts): CommandCounts => new Map([...counts].filter(([name]) => name !== 'ping'));

describeWithRedisServer('many waiters for one lock', () => {
  let server: RedisServer;
  let admin: Redis;
  let name: string;

  beforeAll(async () => {
    server = await RedisServer.start();
    admin = server.client();
  });
  beforeEach(() => {
    name = uniqueName('many');
  });
  afterAll(() => server.stop());

  it('together send at most one request per second while the lock is held', async () => {
    await using holder = await connectLockService({ url: server.url });
    await using locks = await connectLockService({ url: server.url });
    const lease = await holder.acquire(name);
    const waiting = Array.from({ length: 100 }, () => locks.withLock(name, () => 1, { wait: Infinity }));
    await sleep(300);
    const before = await commandStats(admin);
    await sleep(3_000);
    const counts = commandsBetween(before, await commandStats(admin));
    // The head checks the lock now and then, and the connection has a heartbeat, however many wait on it.
    expect(counts.get('evalsha') ?? 0).toBeLessThanOrEqual(2);
    expect(counts.get('subscribe') ?? 0).toBe(0);
    expect(counts.get('ping') ?? 0).toBeLessThanOrEqual(4);
    await lease.release();
    await Promise.all(waiting);
    await untilIdle(holder, locks);
  });

  it('can all stop waiting, 10,000 one by one, without a request to Redis', async () => {
    await using holder = await connectLockService({ url: server.url });
    await using locks = await connectLockService({ url: server.url });
    const lease = await holder.acquire(name);
    const aborts = Array.from({ length: 10_000 }, () => new AbortController());
    const waiting = Promise.allSettled(aborts.map(({ signal }) => locks.acquire(name, { wait: Infinity, signal })));
    await sleep(300);
    expect(locks.stats().waiting).toBe(10_000);
    const before = await commandStats(admin);
    // From the middle outwards: no order that a queue would like.
    const order = aborts.map((abort, n) => ({ abort, key: (n * 7_919) % 10_000 })).sort((x, y) => x.key - y.key);
    for (const { abort } of order) abort.abort();
    const outcomes = await waiting;
    expect(outcomes.every(({ status }) => status === 'rejected')).toBe(true);
    await untilIdle(locks);
    const calls = totalCommands(withoutPings(commandsBetween(before, await commandStats(admin))));
    expect(calls).toBeLessThanOrEqual(3);
    await lease.release();
    await untilIdle(holder);
  });

  it('each take the same time to leave, for any number of waiters', async () => {
    await using holder = await connectLockService({ url: server.url });
    await using locks = await connectLockService({ url: server.url, maxWaiting: 100_000 });
    const lease = await holder.acquire(name);
    const timeToLeave = async (count: number): Promise<number> => {
      const aborts = Array.from({ length: count }, () => new AbortController());
      const waiting = Promise.allSettled(aborts.map(({ signal }) => locks.acquire(name, { wait: Infinity, signal })));
      await sleep(50);
      // Of this process only, since others may use the same core meanwhile.
      const started = process.cpuUsage();
      for (const abort of aborts.reverse()) abort.abort();
      const { user, system } = process.cpuUsage(started);
      await waiting;
      return user + system;
    };
    await timeToLeave(2_000);
    const few = await timeToLeave(2_000);
    const many = await timeToLeave(20_000);
    // Ten times as many: were each to cost more the more there are, it would be a hundred times the time.
    expect(many).toBeLessThan(50 * few);
    await lease.release();
    await untilIdle(holder, locks);
  });

  it('are all served, in the order of their requests', async () => {
    await using locks = await connectLockService({ url: server.url });
    const order: number[] = [];
    const lease = await locks.acquire(name);
    const waiting = Array.from({ length: 5_000 }, (_, n) =>
      locks.withLock(name, () => order.push(n), { wait: Infinity }),
    );
    const before = await commandStats(admin);
    await lease.release();
    await Promise.all(waiting);
    expect(order).toEqual(Array.from({ length: 5_000 }, (_, n) => n));
    const scripts = commandsBetween(before, await commandStats(admin)).get('evalsha') ?? 0;
    expect(scripts).toBeLessThan(1_000);
    await untilIdle(locks);
  });

  it('are limited by maxWaiting: one more is rejected at once, and accepted after another has left', async () => {
    await using holder = await connectLockService({ url: server.url });
    await using locks = await connectLockService({ url: server.url, maxWaiting: 3 });
    const lease = await holder.acquire(name);
    const leaving = new AbortController();
    const waiting = [undefined, undefined, leaving.signal].map((signal) =>
      locks.acquire(name, { wait: Infinity, ...(signal && { signal }) }),
    );
    const error = await locks.acquire(name, { wait: Infinity }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(LockBusyError);
    expect(error).toMatchObject({ reason: 'crowded', lockName: name });
    expect((error as Error).message).toContain('maxWaiting');
    const other = await locks.acquire(`${name}:other`);
    await other.release();
    leaving.abort();
    await expect(waiting[2]).rejects.toMatchObject({ code: 'LOCK_ABORTED' });
    waiting[2] = locks.acquire(name, { wait: Infinity });
    await lease.release();
    for (const each of waiting) await (await each).release();
    await untilIdle(holder, locks);
  });

  it('may share one signal, without a warning', async () => {
    await using child = ChildScript.start('hazards/children/one-signal.mjs', [server.url, name]);
    expect(await child.next('aborted')).toMatchObject({ count: 1_000 });
    expect(await child.exited).toEqual({ code: 0, signal: null, stderr: '' });
  });
});
