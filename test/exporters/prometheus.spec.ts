import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { connectLockService, createLockService, type LockService } from 'nestjs-redis-lock';
import { collectLockMetrics, type LockMetricsOptions } from 'nestjs-redis-lock/prometheus';
import { Registry } from 'prom-client';
import { lockKey } from '../support/lock-keys.js';
import { QuorumNodes } from '../support/quorum-nodes.js';
import { RedisServer } from '../support/redis-server.js';
import { redisClient, testRedisUrl, uniqueName } from '../support/test-redis.js';
import { waitUntil } from '../support/wait-until.js';

describe('the metrics for Prometheus', () => {
  let locks: LockService;
  let register: Registry;
  let name: string;
  let stop: () => void;
  const start = (options: LockMetricsOptions = {}): void => {
    stop = collectLockMetrics(locks, { register, ...options });
  };
  const scrape = async (): Promise<string[]> => (await register.metrics()).split('\n');
  /** The samples that begin with `metric`, and are not 0. */
  const samples = async (metric: string): Promise<string[]> =>
    (await scrape()).filter((line) => line.startsWith(metric) && !line.endsWith(' 0')).sort();

  beforeEach(async () => {
    locks = await connectLockService({ url: testRedisUrl(), logger: false });
    register = new Registry();
    name = uniqueName('prometheus');
  });
  afterEach(async () => {
    stop();
    await locks.close();
  });

  it('all have a value from the start', async () => {
    start();
    const metrics = await register.getMetricsAsJSON();
    expect(metrics.map((metric) => metric.name).sort()).toEqual([
      'redis_lock_held',
      'redis_lock_hold_duration_seconds',
      'redis_lock_lost_total',
      'redis_lock_nodes',
      'redis_lock_notifications_late_total',
      'redis_lock_refused_total',
      'redis_lock_renewals_failed_total',
      'redis_lock_renewals_failing',
      'redis_lock_renewals_late_total',
      'redis_lock_skipped_total',
      'redis_lock_unnotified',
      'redis_lock_unsettled',
      'redis_lock_wait_duration_seconds',
      'redis_lock_waiting',
    ]);
    for (const metric of metrics) {
      const { values } = metric as { values: { value: number }[] };
      expect([metric.name, values.length > 0, values.every(({ value }) => value === 0)]).toEqual([
        metric.name,
        true,
        true,
      ]);
    }
    const lines = await scrape();
    expect(lines).toContain('redis_lock_lost_total{template="other",mode="exclusive",reason="taken"} 0');
    expect(lines).toContain('redis_lock_nodes{state="ready"} 0');
  });

  it('measure waits and holds by template, mode and outcome, without names', async () => {
    start({ buckets: [0.1, 1] });
    const first = await locks.acquire(name, { label: 'orders' });
    const second = locks.acquire(name, { label: 'orders' });
    const refused = locks.acquire(name, { label: 'orders', wait: 0 });
    await expect(refused).rejects.toThrow();
    expect(await samples('redis_lock_held')).toEqual(['redis_lock_held 1']);
    expect(await samples('redis_lock_waiting')).toEqual(['redis_lock_waiting 1']);
    await sleep(150);
    await first.release();
    await (await second).release();
    await locks.withLock(`${name}-readers`, () => undefined, { mode: 'read' });
    await locks.semaphore(`${name}-permits`, { permits: 2 }).withPermit(() => undefined);

    expect(await samples('redis_lock_wait_duration_seconds_count')).toEqual([
      'redis_lock_wait_duration_seconds_count{template="orders",mode="exclusive",outcome="acquired"} 2',
      'redis_lock_wait_duration_seconds_count{template="orders",mode="exclusive",outcome="refused"} 1',
      'redis_lock_wait_duration_seconds_count{template="other",mode="read",outcome="acquired"} 1',
      'redis_lock_wait_duration_seconds_count{template="other",mode="semaphore",outcome="acquired"} 1',
    ]);
    expect(await samples('redis_lock_hold_duration_seconds_count')).toEqual([
      'redis_lock_hold_duration_seconds_count{template="orders",mode="exclusive",outcome="released"} 2',
      'redis_lock_hold_duration_seconds_count{template="other",mode="read",outcome="released"} 1',
      'redis_lock_hold_duration_seconds_count{template="other",mode="semaphore",outcome="released"} 1',
    ]);
    const [sum] = await samples(
      'redis_lock_wait_duration_seconds_sum{template="orders",mode="exclusive",outcome="acquired"',
    );
    expect(Number(sum!.split(' ').at(-1))).toBeGreaterThan(0.14);
    expect(await samples('redis_lock_refused_total')).toEqual([
      'redis_lock_refused_total{template="orders",mode="exclusive",reason="LOCK_BUSY"} 1',
    ]);
    expect(await samples('redis_lock_held')).toEqual([]);
    expect((await scrape()).join('\n')).not.toContain(name);
  });

  it('begin at zero for each new template, so that the first loss is an increase', async () => {
    start();
    const lease = await locks.acquire(name, { label: 'orders', lease: 300 });
    const zeros = (await scrape()).filter((line) => line.includes('template="orders"') && line.endsWith(' 0'));
    for (const reason of ['expired', 'taken']) {
      expect(zeros).toContain(`redis_lock_lost_total{template="orders",mode="exclusive",reason="${reason}"} 0`);
    }
    const admin = redisClient();
    await admin.del(lockKey(name));
    admin.disconnect();
    await waitUntil('it is lost', () => lease.signal.aborted);
    await lease.release();
    expect(await samples('redis_lock_lost_total')).toEqual([
      'redis_lock_lost_total{template="orders",mode="exclusive",reason="taken"} 1',
    ]);
    expect(await samples('redis_lock_hold_duration_seconds_count')).toEqual([
      'redis_lock_hold_duration_seconds_count{template="orders",mode="exclusive",outcome="lost"} 1',
    ]);
  });

  it('count labels beyond the limit as "other"', async () => {
    start({ maxTemplates: 3 });
    for (let order = 1; order <= 20; order += 1) {
      await locks.withLock(`${name}-${String(order)}`, () => undefined, { label: `order ${String(order)}` });
    }
    await locks.withLock(name, () => undefined, { label: 'order 2' });
    const counts = await samples('redis_lock_wait_duration_seconds_count');
    expect(counts.map((line) => line.replace(/^.*template="(.*)",mode.* (\d+)$/, '$1: $2'))).toEqual([
      'order 1: 1',
      'order 2: 2',
      'order 3: 1',
      'other: 17',
    ]);
  });

  it('count failed and late renewals', async () => {
    await using server = await RedisServer.start();
    await locks.close();
    locks = await connectLockService({ url: server.url, lease: 3_000, commandTimeout: 50, logger: false });
    start();
    await using lease = await locks.acquire(name, { label: 'orders' });
    server.freeze();
    await waitUntil('less than a third of the lease is left', () => lease.remaining() < 900);
    expect(await samples('redis_lock_renewals_failing')).toEqual(['redis_lock_renewals_failing 1']);
    server.thaw();
    await waitUntil('it is renewed', async () => (await samples('redis_lock_renewals_late_total')).length > 0);
    expect(await samples('redis_lock_renewals_late_total')).toEqual([
      'redis_lock_renewals_late_total{template="orders",mode="exclusive"} 1',
    ]);
    const [failed] = await samples('redis_lock_renewals_failed_total');
    expect(failed).toMatch(/^redis_lock_renewals_failed_total\{template="orders",mode="exclusive"\} \d+$/);
    expect(await samples('redis_lock_renewals_failing')).toEqual([]);
  });

  it('have the nodes of a quorum by state, for several services', async () => {
    await using nodes = await QuorumNodes.start(3);
    await using quorum = await connectLockService({ quorum: nodes.urls, restartGuard: 0, logger: false });
    stop = collectLockMetrics([locks, quorum], { register });
    expect(await samples('redis_lock_nodes')).toEqual(['redis_lock_nodes{state="ready"} 3']);
    await nodes.servers[0]!.kill();
    await waitUntil('it is noticed', async () => (await scrape()).includes('redis_lock_nodes{state="unreachable"} 1'));
    expect(await samples('redis_lock_nodes')).toEqual([
      'redis_lock_nodes{state="ready"} 2',
      'redis_lock_nodes{state="unreachable"} 1',
    ]);
    await using _one = await locks.acquire(name);
    await using _other = await quorum.acquire(name);
    expect(await samples('redis_lock_held')).toEqual(['redis_lock_held 2']);
  });

  it('have a prefix, and are gone from the registry after the end', async () => {
    start({ prefix: 'shop_' });
    expect(
      (await scrape()).filter((line) => line.startsWith('# TYPE')).every((line) => line.includes(' shop_redis_lock_')),
    ).toBe(true);
    // A second collection would have the same names.
    expect(() => collectLockMetrics(locks, { register, prefix: 'shop_' })).toThrow('already been registered');
    stop();
    expect(await register.metrics()).toBe('\n');
    start({ prefix: 'shop_' });
  });

  it('reject a limit that is not a whole number', () => {
    start();
    expect(() => collectLockMetrics(createLockService({ memory: true }), { maxTemplates: -1 })).toThrow(
      '"maxTemplates"',
    );
  });
});
