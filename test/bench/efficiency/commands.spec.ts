import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { connectLockService, type LockService } from 'nestjs-redis-lock';
import { commandsBetween, commandStats, type CommandCounts } from '../../support/command-stats.js';
import { describeWithRedisServer, RedisServer } from '../../support/redis-server.js';
import { uniqueName } from '../../support/test-redis.js';

/** Commands that only our scripts call, on the server. What is left is what was sent over the network. */
const INSIDE_SCRIPTS = [
  'time',
  'pttl',
  'hget',
  'exists',
  'del',
  'get',
  'set',
  'hset',
  'hexists',
  'hgetall',
  'hdel',
  'pexpire',
  'publish',
];

function requests(counts: CommandCounts): number {
  return [...counts].filter(([name]) => !INSIDE_SCRIPTS.includes(name)).reduce((sum, [, calls]) => sum + calls, 0);
}

describeWithRedisServer('the requests of locks to Redis', () => {
  let server: RedisServer;
  let admin: Redis;
  let locks: LockService;
  beforeEach(async () => {
    server = await RedisServer.start();
    admin = server.client();
    locks = await connectLockService({ url: server.url });
  });
  afterEach(async () => {
    await locks.close();
    await server.stop();
  });

  const counted = async (work: () => Promise<unknown>): Promise<CommandCounts> => {
    const before = await commandStats(admin);
    await work();
    return commandsBetween(before, await commandStats(admin));
  };

  it('are one each to acquire and to release a free lock', async () => {
    const name = uniqueName();
    await locks.withLock(name, () => undefined);
    const counts = await counted(() => locks.withLock(name, () => undefined));
    expect(requests(counts)).toBe(2);
    expect(counts.get('evalsha')).toBe(2);
  });

  it('are few to acquire and release 64 free locks at once', async () => {
    const names = Array.from({ length: 64 }, () => uniqueName());
    const all = () => Promise.all(names.map((name) => locks.withLock(name, () => undefined)));
    await all();
    expect(requests(await counted(all))).toBeLessThanOrEqual(8);
  });

  it.each([
    [6, 1],
    [40, 2],
  ])('are, for %i free locks at once, %i request(s)', async (count, calls) => {
    const names = Array.from({ length: count }, () => uniqueName());
    await locks.withLock(uniqueName(), () => undefined);
    const counts = await counted(async () => {
      const leases = await Promise.all(names.map((name) => locks.acquire(name)));
      // One after another, so that each is a request of its own.
      for (const lease of leases) await lease.release();
    });
    expect(requests(counts)).toBe(calls + count);
  });

  it('are at most 0.2 per section for 50 callers of one lock in one process', async () => {
    const name = uniqueName();
    // The time for hand-overs is over sooner, counted in sections, when the machine is busy: here the count alone ends it.
    await using patient = await connectLockService({ url: server.url, handOverTime: 60_000, handOverCount: 25 });
    let sections = 0;
    const counts = await counted(() =>
      Promise.all(
        Array.from({ length: 50 }, async () => {
          for (let i = 0; i < 20; i += 1) {
            await patient.withLock(name, async () => {
              await sleep(1);
              sections += 1;
            });
          }
        }),
      ),
    );
    expect(sections).toBe(1_000);
    expect(requests(counts) / sections).toBeLessThanOrEqual(0.2);
  });

  it('are two for 250 callers that read at once', async () => {
    const name = uniqueName();
    const readers = () =>
      Promise.all(Array.from({ length: 250 }, () => locks.withLock(name, () => sleep(20), { mode: 'read' })));
    await readers();
    expect(requests(await counted(readers))).toBe(2);
  });

  it('are none to hand a lock over to the next local caller', async () => {
    const name = uniqueName();
    const first = await locks.acquire(name);
    // The first hand-over may need a hold with more tokens than one caller was thought to use.
    const crowd = Array.from({ length: 5 }, () => locks.withLock(name, () => undefined));
    await first.release();
    await Promise.all(crowd);
    const counts = await counted(async () => {
      await Promise.all(Array.from({ length: 10 }, () => locks.withLock(name, () => undefined)));
    });
    expect(requests(counts)).toBeLessThan(10);
  });
});
