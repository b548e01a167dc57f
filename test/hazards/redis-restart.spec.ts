import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { LockLostError } from 'nestjs-redis-lock';
import { describeEachWithRedisServer, RedisServer } from '../support/redis-server.js';
import { SUBJECTS } from '../support/subjects.js';
import { uniqueName } from '../support/test-redis.js';
import { untilIdle } from '../support/until-idle.js';
import { waitUntil } from '../support/wait-until.js';
import { FencedResource } from '../support/witness.js';

describeEachWithRedisServer(SUBJECTS, 'a Redis with $label that is restarted without its data', (subject) => {
  let server: RedisServer;
  let name: string;

  beforeEach(async () => {
    server = await RedisServer.start();
    name = uniqueName('restart');
  });
  afterEach(() => server.stop());

  it('ends a lock, and its holder is notified soon after another caller gets it', async () => {
    await using locks = await subject.connect({ url: server.url, lease: 1_500 });
    await using others = await subject.connect({ url: server.url });
    const resource = new FencedResource();
    const lease = await locks.acquire(name);
    resource.write(lease.token, 'first');
    const lost = new Promise((resolve) => {
      lease.signal.addEventListener('abort', () => resolve(lease.signal.reason), { once: true });
    });
    await server.restart();
    const next = await others.acquire(name, { wait: 20_000 });
    expect(next.token).toBeGreaterThan(lease.token);
    expect(resource.write(next.token, 'second')).toBe(true);
    const reason = await lost;
    expect(reason).toBeInstanceOf(LockLostError);
    expect(['taken', 'expired']).toContain((reason as LockLostError).reason);
    expect(resource.write(lease.token, 'stale')).toBe(false);
    await expect(lease.release()).resolves.toBe('lost');
    next.assertHeld();
    await expect(next.release()).resolves.toBe('released');
    await untilIdle(locks, others);
  });

  it('serves the waiters, one at a time, once it is back', async () => {
    await using holder = await subject.connect({ url: server.url, lease: 1_000 });
    await using locks = await subject.connect({ url: server.url });
    const lease = await holder.acquire(name);
    const served: number[] = [];
    let inside = 0;
    const waiting = [1, 2, 3, 4].map((n) =>
      locks.withLock(
        name,
        async () => {
          expect((inside += 1)).toBe(1);
          await sleep(5);
          inside -= 1;
          served.push(n);
        },
        { wait: Infinity },
      ),
    );
    await sleep(100);
    await server.kill();
    await sleep(200);
    await server.restart();
    await Promise.all(waiting);
    expect(served).toEqual([1, 2, 3, 4]);
    await waitUntil('the old holder is told', () => lease.signal.aborted);
    await lease.release();
    await untilIdle(holder, locks);
  });

  it('loses no waiter in repeated restarts under load, and repeats no token', async () => {
    const services = await Promise.all([1, 2].map(() => subject.connect({ url: server.url, lease: 600 })));
    const tokens: number[] = [];
    let served = 0;
    const callers = services.flatMap((locks) =>
      Array.from({ length: 4 }, async () => {
        for (let round = 0; round < 10; round += 1) {
          await locks.withLock(
            name,
            async ({ token }) => {
              tokens.push(token);
              await sleep(10);
            },
            { wait: Infinity },
          );
          served += 1;
        }
      }),
    );
    for (let round = 0; round < 3; round += 1) {
      await sleep(200);
      await server.restart();
    }
    await Promise.all(callers);
    expect(served).toBe(80);
    // Two may be inside at once around a restart: their order is what the tokens are for, so each is there once.
    expect(new Set(tokens).size).toBe(80);
    await untilIdle(...services);
    await Promise.all(services.map((locks) => locks.close()));
  });
});
