import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  connectLockService,
  lastRun,
  LockConfigError,
  LockUnavailableError,
  MemoryState,
  runOnce,
  type LockService,
  type RunOnceOptions,
  type RunOnceResult,
} from 'nestjs-redis-lock';
import { QuorumNodes } from '../support/quorum-nodes.js';
import { RedisCluster } from '../support/redis-cluster.js';
import { describeWithRedisServer, RedisServer } from '../support/redis-server.js';
import { testRedisUrl, uniqueName } from '../support/test-redis.js';
import { waitUntil } from '../support/wait-until.js';

const WINDOW_MS = 60_000;

describe.each(['Redis', 'memory'] as const)('a job that runs once on %s', (store) => {
  let name: string;
  let replicas: LockService[];
  let runs: number;

  beforeEach(async () => {
    name = uniqueName();
    runs = 0;
    const state = new MemoryState();
    const connection = store === 'Redis' ? { url: testRedisUrl() } : { memory: state };
    replicas = await Promise.all(Array.from({ length: 3 }, () => connectLockService({ ...connection, lease: 10_000 })));
  });
  afterEach(async () => {
    await Promise.all(replicas.map((locks) => locks.close()));
  });

  const job = async (): Promise<number> => {
    await sleep(5);
    return (runs += 1);
  };
  const fire = (options: Partial<RunOnceOptions> = {}, work: () => unknown = job): Promise<RunOnceResult<unknown>[]> =>
    Promise.all(replicas.map((locks) => runOnce(locks, name, work, { window: WINDOW_MS, ...options })));

  it('runs on one of the replicas that call it at the same time, and the others get the reason', async () => {
    const results = await fire();
    expect(runs).toBe(1);
    expect(results.filter(({ ran }) => ran)).toEqual([{ ran: true, value: 1 }]);
    expect(results.filter(({ ran }) => !ran)).toEqual(Array(2).fill({ ran: false, reason: 'ran' }));
    expect(replicas.map((locks) => locks.stats().skipped.ran).sort()).toEqual([0, 1, 1]);
  });

  it('does not run for a replica that calls it late, however short it was', async () => {
    const [first, second] = replicas as [LockService, LockService];
    await runOnce(first, name, () => (runs += 1), { window: WINDOW_MS });
    await sleep(50);
    expect(await runOnce(second, name, job, { window: WINDOW_MS })).toEqual({ ran: false, reason: 'ran' });
    expect(runs).toBe(1);
  });

  it('runs again after the window', async () => {
    const [first, second] = replicas as [LockService, LockService];
    await runOnce(first, name, job, { window: 100 });
    await sleep(150);
    expect(await runOnce(second, name, job, { window: 100 })).toEqual({ ran: true, value: 2 });
  });

  it('is skipped while the run of an earlier firing lasts', async () => {
    const [first, second] = replicas as [LockService, LockService];
    let end: () => void = () => undefined;
    const long = runOnce(first, name, () => new Promise<void>((resolve) => (end = resolve)), { window: 20 });
    await waitUntil('it runs', async () => (await lastRun(second, name))?.outcome === 'running');
    await sleep(50);
    expect(await runOnce(second, name, job, { window: 20 })).toEqual({ ran: false, reason: 'running' });
    end();
    expect(await long).toMatchObject({ ran: true });
    expect(runs).toBe(0);
  });

  it('has a record of its last run', async () => {
    const [locks] = replicas as [LockService];
    expect(await lastRun(locks, name)).toBeNull();
    await fire();
    const run = await lastRun(locks, name);
    expect(run).toMatchObject({ outcome: 'done', attempt: 1 });
    expect(run?.where).toContain(String(process.pid));
    expect(run?.endedAt?.getTime()).toBeGreaterThanOrEqual(run?.startedAt.getTime() ?? Infinity);
    expect(Math.abs(Date.now() - (run?.firedAt.getTime() ?? 0))).toBeLessThan(60_000);
  });

  it('counts as run if it fails, and the error goes to its caller', async () => {
    const failure = new Error('no prices');
    const outcomes = await Promise.allSettled(
      replicas.map((locks) => runOnce(locks, name, () => Promise.reject(failure), { window: WINDOW_MS })),
    );
    expect(outcomes.filter(({ status }) => status === 'rejected')).toEqual([{ status: 'rejected', reason: failure }]);
    expect(await lastRun(replicas[0] as LockService, name)).toMatchObject({ outcome: 'failed', attempt: 1 });
    await fire();
    expect(runs).toBe(0);
  });

  it('passes on an error of another lock at once, and does not take it for an outage', async () => {
    const [locks] = replicas as [LockService];
    const failure = new LockUnavailableError('down', 'other', { retryable: true, outcomeUnknown: false });
    const outcome = runOnce(locks, name, () => Promise.reject(failure), { window: WINDOW_MS });
    const late = sleep(10_000, 'late', { ref: false });
    expect(await Promise.race([outcome.catch((error: unknown) => error), late])).toBe(failure);
  });

  it('is tried again after a failure as often as asked for, and no caller gets an error if it succeeds then', async () => {
    let attempts = 0;
    const results = await fire({ retry: 2 }, () => {
      attempts += 1;
      if (attempts < 3) throw new Error('not yet');
      return 'built';
    });
    expect(attempts).toBe(3);
    expect(results.filter(({ ran }) => ran)).toEqual([{ ran: true, value: 'built' }]);
    expect(await lastRun(replicas[0] as LockService, name)).toMatchObject({ outcome: 'done', attempt: 3 });
  });

  it('keeps a caller whose attempt failed waiting while the last attempt of another one runs', async () => {
    const [first, second] = replicas as [LockService, LockService];
    let succeed: () => void = () => undefined;
    const last = new Promise<string>((resolve) => {
      succeed = () => resolve('built');
    });
    const failed = runOnce(first, name, () => Promise.reject(new Error('not yet')), { window: WINDOW_MS, retry: 1 });
    const outcome = failed.catch((error: unknown) => error);
    // The reply to the first one's question what has become of its firing is late: the last attempt runs by then.
    const firings = first.firings!;
    const read = firings.read.bind(firings);
    firings.read = async (job) => {
      await waitUntil('the last attempt runs', async () => (await lastRun(second, job))?.attempt === 2);
      return read(job);
    };
    await waitUntil('it has failed', async () => (await lastRun(second, name))?.outcome === 'failed');
    const succeeded = runOnce(second, name, () => last, { window: WINDOW_MS, retry: 1 });
    await waitUntil('the last attempt runs', async () => (await lastRun(second, name))?.attempt === 2);
    expect(await Promise.race([outcome, sleep(300, 'waits')])).toBe('waits');
    succeed();
    expect(await succeeded).toEqual({ ran: true, value: 'built' });
    expect(await outcome).toEqual({ ran: false, reason: 'ran' });
    firings.read = read;
  });

  it('is taken over by another replica if the lock of its run is lost, only where asked for', async () => {
    const [first, second, third] = replicas as [LockService, LockService, LockService];
    const held = runOnce(
      first,
      name,
      (lease) =>
        new Promise<void>((_, reject) => {
          lease.signal.addEventListener('abort', () => {
            reject(lease.signal.reason as Error);
          });
        }),
      { window: WINDOW_MS },
    );
    held.catch(() => undefined);
    await waitUntil('it runs', async () => (await lastRun(second, name))?.outcome === 'running');
    expect(await runOnce(third, name, job, { window: WINDOW_MS })).toEqual({ ran: false, reason: 'ran' });
    const successor = runOnce(second, name, job, { window: WINDOW_MS, takeOver: true });
    await waitUntil('it is watched', () => second.stats().waiting === 1);
    await third.forceRelease(name);
    expect(await successor).toEqual({ ran: true, value: 1 });
    await expect(held).rejects.toMatchObject({ code: 'LOCK_LOST' });
    expect(await lastRun(third, name)).toMatchObject({ outcome: 'done', attempt: 2 });
  });

  it('counts as run for a call that waited to retry, if the lock of its run is lost', async () => {
    const [first, second, third] = replicas as [LockService, LockService, LockService];
    let end: () => void = () => undefined;
    const held = runOnce(first, name, () => new Promise<void>((resolve) => (end = resolve)), {
      window: WINDOW_MS,
      retry: 1,
    });
    await waitUntil('it runs', async () => (await lastRun(second, name))?.outcome === 'running');
    const watching = runOnce(second, name, job, { window: WINDOW_MS, retry: 1 });
    await waitUntil('it is watched', () => second.stats().waiting === 1);
    await third.forceRelease(name);
    const late = sleep(10_000, 'late', { ref: false });
    expect(await Promise.race([watching, late])).toEqual({ ran: false, reason: 'ran' });
    end();
    expect(await held).toMatchObject({ ran: true });
    expect(runs).toBe(0);
  });

  it('reports its error if a newer firing has run since its lock was lost', async () => {
    const [first, second] = replicas as [LockService, LockService];
    let fail: () => void = () => undefined;
    const failure = new Error('too late');
    const work = (): Promise<void> =>
      new Promise((_, reject) => {
        fail = () => {
          reject(failure);
        };
      });
    const held = runOnce(first, name, work, { window: 20, retry: 3 });
    held.catch(() => undefined);
    await waitUntil('it runs', async () => (await lastRun(second, name))?.outcome === 'running');
    await second.forceRelease(name);
    await sleep(50);
    expect(await runOnce(second, name, job, { window: 20 })).toEqual({ ran: true, value: 1 });
    await sleep(50);
    fail();
    await expect(held).rejects.toBe(failure);
    expect(runs).toBe(1);
  });

  it('runs on another replica if the process that got its lock died before the run', async () => {
    const [first, second, third] = replicas as [LockService, LockService, LockService];
    // As if its process died with the lock: nothing is recorded, and the lease ends.
    await first.acquire(name, { renew: false, lease: 2_500 });
    const results = await Promise.all([second, third].map((locks) => runOnce(locks, name, job, { window: WINDOW_MS })));
    expect(runs).toBe(1);
    expect(results.filter(({ ran }) => ran)).toHaveLength(1);
    expect(results.filter(({ ran }) => !ran)).toEqual([{ ran: false, reason: 'ran' }]);
  });

  it('does not begin if its lock was lost while the beginning was recorded', async () => {
    const [, second] = replicas as [LockService, LockService];
    const state = new MemoryState();
    const connection = store === 'Redis' ? { url: testRedisUrl() } : { memory: state };
    await using slow = await connectLockService({ ...connection, lease: 300 });
    const firings = slow.firings!;
    const begin = firings.begin.bind(firings);
    let token = 0;
    firings.begin = async (...args) => {
      const reply = await begin(...args);
      token = args[1].token;
      await slow.forceRelease(name);
      // As if the process had been stopped here: the renewal finds the lock gone.
      await sleep(1_000);
      return reply;
    };
    const call = runOnce(slow, name, job, { window: WINDOW_MS });
    await expect(call).rejects.toMatchObject({ code: 'LOCK_LOST' });
    expect(runs).toBe(0);
    expect(token).toBeGreaterThan(0);
    // With takeOver the other replicas run it.
    if (store === 'memory') return;
    expect(await runOnce(second, name, job, { window: WINDOW_MS, takeOver: true })).toEqual({ ran: true, value: 1 });
  });

  it('is skipped if something else holds its lock for as long as the window', async () => {
    const [first, second] = replicas as [LockService, LockService];
    await using _held = await first.acquire(name);
    expect(await runOnce(second, name, job, { window: 1_000 })).toEqual({ ran: false, reason: 'running' });
    expect(runs).toBe(0);
  });

  it('does not make Node warn of a leak if many calls wait', async () => {
    const [first, second] = replicas as [LockService, LockService];
    await using _held = await first.acquire(name);
    // A warning of Node fails the whole run: support/node-warnings.mjs.
    const results = await Promise.all(Array.from({ length: 20 }, () => runOnce(second, name, job, { window: 300 })));
    expect(results).toEqual(Array(20).fill({ ran: false, reason: 'running' }));
  });

  it('is not taken over once its run has ended', async () => {
    const results = await fire({ takeOver: true });
    expect(runs).toBe(1);
    expect(results.filter(({ ran }) => ran)).toHaveLength(1);
  });

  it.each([
    { what: 'no window', options: {} },
    { what: 'a window of 0', options: { window: 0 } },
    { what: 'an unknown option', options: { window: 1, every: 5 } },
    { what: 'no options', options: undefined },
  ])('rejects $what', async ({ options }) => {
    const call = runOnce(replicas[0] as LockService, name, job, options as never);
    await expect(call).rejects.toBeInstanceOf(LockConfigError);
    expect(runs).toBe(0);
  });
});

describeWithRedisServer('a job that runs once on other servers', () => {
  let name: string;
  let runs: number;
  beforeEach(() => {
    name = uniqueName();
    runs = 0;
  });
  const job = (): number => (runs += 1);

  it('runs on one of 100 replicas', async () => {
    const replicas = await Promise.all(Array.from({ length: 100 }, () => connectLockService({ url: testRedisUrl() })));
    try {
      const results = await Promise.all(replicas.map((locks) => runOnce(locks, name, job, { window: WINDOW_MS })));
      expect(runs).toBe(1);
      expect(results.filter(({ ran }) => !ran)).toEqual(Array(99).fill({ ran: false, reason: 'ran' }));
    } finally {
      await Promise.all(replicas.map((locks) => locks.close()));
    }
  });

  it('runs once on a replica that reaches Redis first if Redis was down when all called it', async () => {
    await using server = await RedisServer.start();
    const replicas = await Promise.all([1, 2, 3].map(() => connectLockService({ url: server.url })));
    try {
      await server.kill();
      const calls = Promise.all(replicas.map((locks) => runOnce(locks, name, job, { window: WINDOW_MS })));
      await sleep(500);
      expect(runs).toBe(0);
      await server.restart();
      const results = await calls;
      expect(runs).toBe(1);
      expect(results.filter(({ ran }) => ran)).toHaveLength(1);
    } finally {
      await Promise.all(replicas.map((locks) => locks.close()));
    }
  });

  it('rejects if Redis stays down for as long as the window, and does not run', async () => {
    await using server = await RedisServer.start();
    const locks = await connectLockService({ url: server.url });
    await server.kill();
    await expect(runOnce(locks, name, job, { window: 200 })).rejects.toBeInstanceOf(LockUnavailableError);
    expect(runs).toBe(0);
    await locks.close();
  });

  it('ends with the service while it waits for Redis', async () => {
    await using server = await RedisServer.start();
    const locks = await connectLockService({ url: server.url });
    await server.kill();
    const outcome = runOnce(locks, name, job, { window: WINDOW_MS }).catch((error: unknown) => error);
    await sleep(300);
    await locks.close();
    const late = sleep(10_000, 'late', { ref: false });
    expect(await Promise.race([outcome, late])).toBeInstanceOf(LockUnavailableError);
  });

  it('runs on a cluster, with a name of any hash slot', async () => {
    await using cluster = await RedisCluster.start({ replicas: 0 });
    await using locks = await connectLockService({ cluster: { nodes: cluster.nodes } });
    for (const each of ['a', 'b', 'c{d}', 'e']) {
      expect(await runOnce(locks, each, job, { window: WINDOW_MS })).toMatchObject({ ran: true });
      expect(await runOnce(locks, each, job, { window: WINDOW_MS })).toEqual({ ran: false, reason: 'ran' });
      expect(await lastRun(locks, each)).toMatchObject({ outcome: 'done' });
    }
  });

  it('is rejected over a quorum, with the reason', async () => {
    await using nodes = await QuorumNodes.start(3);
    await using locks = await connectLockService({
      quorum: nodes.servers.map(({ url }) => url),
      restartGuard: 0,
    });
    await expect(runOnce(locks, name, job, { window: WINDOW_MS })).rejects.toThrow('no common clock');
    await expect(lastRun(locks, name)).rejects.toBeInstanceOf(LockConfigError);
    expect(runs).toBe(0);
  });
});
