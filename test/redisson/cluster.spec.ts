import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { connectLockService, type LockService } from 'nestjs-redis-lock';
import { RedisCluster } from '../support/redis-cluster.js';
import { uniqueName } from '../support/test-redis.js';
import { untilIdle } from '../support/until-idle.js';
import { waitUntil } from '../support/wait-until.js';
import { RedissonPeer } from './redisson-peer.js';

/** A lease so long that who gets the lock well before its end was woken. */
const LONG_MS = 60_000;
const WELL_BEFORE_MS = 50_000;

/** On a cluster Redisson uses sharded channels, which the ordinary ones do not reach. */
describe('a lock shared with Redisson on a cluster', () => {
  let cluster: RedisCluster;
  let jvm: RedissonPeer;
  let locks: LockService;
  const names = Array.from({ length: 6 }, () => uniqueName('shared'));

  beforeAll(async () => {
    cluster = await RedisCluster.start({ replicas: 0 });
    jvm = await RedissonPeer.start(cluster.servers[0]!.url, LONG_MS, 'cluster');
    locks = await connectLockService({ cluster: { nodes: cluster.nodes }, keyPrefix: '' });
  }, 60_000);
  afterAll(async () => {
    await locks.close();
    await jvm.kill();
    await cluster.stop();
  });

  it('has names on more than one node', async () => {
    const masters = await Promise.all(names.map((name) => cluster.masterOf(name)));
    expect(new Set(masters).size).toBeGreaterThan(1);
  });

  it.each(names.map((name, index) => [index, name]))(
    'excludes and notifies, in both directions (name %d)',
    async (_, given) => {
      const name = given as string;
      const java = jvm.thread(`${name} one`);
      await java.lock(name, { lease: LONG_MS });
      expect(await locks.tryAcquire(name)).toBeNull();
      let began = performance.now();
      const waiting = locks.acquire(name, { wait: LONG_MS, lease: LONG_MS, renew: false });
      await waitUntil('we wait', () => locks.stats().waiting === 1);
      // Both before and after the subscription the lock was seen taken.
      await new Promise((resolve) => setTimeout(resolve, 500));
      await java.unlock(name);
      const lease = await waiting;
      expect(performance.now() - began).toBeLessThan(WELL_BEFORE_MS);

      expect(await java.tryLock(name)).toBe(false);
      began = performance.now();
      const javaWaits = java.lock(name, { lease: LONG_MS });
      await waitUntil('Java sleeps', () => java.isAsleep());
      expect(await lease.release()).toBe('released');
      await javaWaits;
      expect(performance.now() - began).toBeLessThan(WELL_BEFORE_MS);
      await java.unlock(name);
      expect((await locks.inspect(name)).held).toBe(false);
      await untilIdle(locks);
    },
  );
});
