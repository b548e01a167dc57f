import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { connectLockService, LockBusyError, type LockService } from 'nestjs-redis-lock';
import { RedisCluster } from '../support/redis-cluster.js';
import { RedisServer } from '../support/redis-server.js';
import { uniqueName } from '../support/test-redis.js';
import { waitUntil } from '../support/wait-until.js';
import { RedissonPeer, type JavaThread } from './redisson-peer.js';

const ROUNDS = 50;
/** Shorter than the time after which this library looks again by itself. */
const PROMPT_MS = 2_000;

for (const where of ['one Redis', 'a cluster'] as const) {
  describe(`a latch shared with Redisson on ${where}`, () => {
    let close: () => Promise<void>;
    let jvm: RedissonPeer;
    let java: JavaThread;
    let locks: LockService;
    let name: string;

    beforeAll(async () => {
      if (where === 'one Redis') {
        const server = await RedisServer.start();
        close = () => server.stop();
        jvm = await RedissonPeer.start(server.url, 60_000);
        locks = await connectLockService({ url: server.url, keyPrefix: '' });
      } else {
        const cluster = await RedisCluster.start({ replicas: 0 });
        close = () => cluster.stop();
        jvm = await RedissonPeer.start(cluster.servers[0]!.url, 60_000, 'cluster');
        locks = await connectLockService({ cluster: { nodes: cluster.nodes }, keyPrefix: '' });
      }
    }, 60_000);
    beforeEach(() => {
      name = uniqueName('latch');
      java = jvm.thread(name);
    });
    afterAll(async () => {
      await locks.close();
      await jvm.kill();
      await close();
    });

    it.each(['Java', 'this library'])('has one count for both sides, set by %s', async (first) => {
      const latch = locks.latch(name);
      expect(first === 'Java' ? await java.trySetCount(name, 3) : await latch.trySetCount(3)).toBe(true);
      expect(first === 'Java' ? await latch.trySetCount(9) : await java.trySetCount(name, 9)).toBe(false);
      expect([await latch.count(), await java.count(name)]).toEqual([3, 3]);
      await java.countDown(name);
      expect(await latch.countDown()).toBe(1);
      await expect(latch.wait({ wait: 0 })).rejects.toBeInstanceOf(LockBusyError);
      if (first === 'Java') expect(await latch.countDown()).toBe(0);
      else await java.countDown(name);
      expect([await latch.count(), await java.count(name)]).toEqual([0, 0]);
      await latch.wait({ wait: 0 });
      await java.awaitLatch(name);
    });

    it('opened by Java, notifies this library', async () => {
      const latch = locks.latch(name);
      await latch.trySetCount(1);
      const waiting = latch.wait({ wait: PROMPT_MS });
      await waitUntil('this library waits', () => locks.stats().waiting === 1);
      await new Promise((resolve) => setTimeout(resolve, 200));
      await java.countDown(name);
      await waiting;
    });

    it('opened by this library, notifies Java', async () => {
      await java.trySetCount(name, 1);
      const waiting = java.awaitLatch(name);
      // Without a notification Java would wait for ever.
      await new Promise((resolve) => setTimeout(resolve, 500));
      await locks.latch(name).countDown();
      await waiting;
    });

    it(`is counted down by both sides together, ${String(ROUNDS)} times, and opens when the last one has`, async () => {
      const other = jvm.thread(`${name} other`);
      const latch = locks.latch(name);
      for (let round = 0; round < ROUNDS; round += 1) {
        expect(await latch.trySetCount(6)).toBe(true);
        const waiting = [latch.wait({ wait: 20_000 }), other.awaitLatch(name)];
        await Promise.all([1, 2, 3].flatMap(() => [latch.countDown(), java.countDown(name)]));
        await Promise.all(waiting);
        expect(await latch.count()).toBe(0);
      }
    });
  });
}
