import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { connectLockService, LockBusyError, LockUnavailableError, type Lease } from 'nestjs-redis-lock';
import { ChildScript } from '../support/child-script.js';
import { commandsBetween, commandStats } from '../support/command-stats.js';
import { lockKey, noticeChannel } from '../support/lock-keys.js';
import { describeWithRedisServer, RedisServer } from '../support/redis-server.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { uniqueName } from '../support/test-redis.js';
import { untilIdle } from '../support/until-idle.js';
import { waitUntil } from '../support/wait-until.js';

// Every test is a defect that users of other lock libraries have met. What they have in common is that each looked
// right in a test of the usual course of things.
describeWithRedisServer('faults reported for other libraries', () => {
  let server: RedisServer;
  let admin: Redis;
  let name: string;

  beforeAll(async () => {
    server = await RedisServer.start();
    admin = server.client();
  });
  beforeEach(() => {
    name = uniqueName('peers');
  });
  afterAll(() => server.stop());

  const taken = async (key = name): Promise<boolean> => (await admin.exists(lockKey(key))) === 1;
  const scriptsDuring = async (work: () => Promise<unknown>): Promise<number> => {
    const before = await commandStats(admin);
    await work();
    const counts = commandsBetween(before, await commandStats(admin));
    return (counts.get('evalsha') ?? 0) + (counts.get('eval') ?? 0);
  };

  describe('the time of a lease', () => {
    it('is counted from the grant, not from when the caller began to wait', async () => {
      await using holder = await connectLockService({ url: server.url });
      await using locks = await connectLockService({ url: server.url });
      const before = await holder.acquire(name, { lease: 1_300, renew: false });
      const lease = await locks.acquire(name, { lease: 1_000, renew: false, wait: 20_000 });
      const left = await admin.pttl(lockKey(name));
      expect(lease.remaining()).toBeGreaterThan(500);
      expect(Math.abs(lease.remaining() - left)).toBeLessThan(250);
      expect(lease.signal.aborted).toBe(false);
      await lease.release();
      await before.release();
    });

    it('that ended keeps the value and the error of the section, and delays no caller', async () => {
      await using locks = await connectLockService({ url: server.url });
      const outlive = async (lease: Lease): Promise<void> => {
        await waitUntil('it is lost', () => lease.signal.aborted);
      };
      const value = locks.withLock(name, (lease) => outlive(lease).then(() => 'value'), { lease: 100, renew: false });
      await expect(value).resolves.toBe('value');
      const error = new TypeError('of the section');
      const failed = locks.withLock(name, (lease) => outlive(lease).then(() => Promise.reject(error)), {
        lease: 100,
        renew: false,
      });
      await expect(failed).rejects.toBe(error);
      const using = async (): Promise<string> => {
        await using lease = await locks.acquire(name, { lease: 100, renew: false });
        await outlive(lease);
        return 'value';
      };
      await expect(using()).resolves.toBe('value');
      const throwing = async (): Promise<never> => {
        await using lease = await locks.acquire(name, { lease: 100, renew: false });
        await outlive(lease);
        throw error;
      };
      await expect(throwing()).rejects.toBe(error);
      // Releasing what is lost is no attempt that is repeated.
      const lease = await locks.acquire(name, { lease: 100, renew: false });
      await outlive(lease);
      expect(await scriptsDuring(() => lease.release())).toBeLessThanOrEqual(2);
    });

    it('that has ended aborts no signal after the section, even with a renewal in flight', async () => {
      await using proxy = await TcpProxy.start(server.url);
      await using locks = await connectLockService({ url: proxy.url, lease: 900 });
      const lease = await locks.acquire(name);
      const { signal } = lease;
      const renewal = proxy.untilRequest(name);
      proxy.delayReplies(150);
      await renewal;
      await lease.release();
      proxy.delayReplies(0);
      await sleep(1_200);
      expect(signal.aborted).toBe(false);
      await untilIdle(locks);
    });

    it('of a short lock causes no storm of renewals', async () => {
      await using locks = await connectLockService({ url: server.url, lease: 300 });
      const lease = await locks.acquire(name);
      const scripts = await scriptsDuring(() => sleep(2_000));
      lease.assertHeld();
      expect(scripts).toBeGreaterThan(5);
      expect(scripts).toBeLessThan(40);
      await lease.release();
    });

    it('of a deleted lock ends at once, without a storm of renewals', async () => {
      await using locks = await connectLockService({ url: server.url, lease: 900 });
      const lease = await locks.acquire(name);
      await admin.del(lockKey(name));
      const scripts = await scriptsDuring(() => waitUntil('it is told', () => lease.signal.aborted));
      expect(scripts).toBeLessThanOrEqual(2);
      expect(lease.signal.reason).toMatchObject({ reason: 'taken' });
      await lease.release();
    });
  });

  describe('the end of a wait', () => {
    it('never releases the lock of the holder', async () => {
      await using locks = await connectLockService({ url: server.url });
      const lease = await locks.acquire(name);
      for (const wait of [0, 20, 200])
        await expect(locks.acquire(name, { wait })).rejects.toBeInstanceOf(LockBusyError);
      await using others = await connectLockService({ url: server.url });
      for (const wait of [0, 20, 200])
        await expect(others.acquire(name, { wait })).rejects.toBeInstanceOf(LockBusyError);
      await expect(others.withLock(name, () => 'ran', { wait: 300 })).rejects.toBeInstanceOf(LockBusyError);
      await untilIdle(others);
      lease.assertHeld();
      expect(await taken()).toBe(true);
      await expect(lease.release()).resolves.toBe('released');
    });

    it('comes at once with `wait: 0`, after one request', async () => {
      await using holder = await connectLockService({ url: server.url });
      await using locks = await connectLockService({ url: server.url });
      const lease = await holder.acquire(name);
      const scripts = await scriptsDuring(() => locks.tryAcquire(name));
      expect(scripts).toBe(1);
      await lease.release();
    });

    it('comes after the time that was set, and not before', async () => {
      await using holder = await connectLockService({ url: server.url });
      await using locks = await connectLockService({ url: server.url });
      const lease = await holder.acquire(name);
      const started = performance.now();
      const error = await locks.acquire(name, { wait: 500 }).catch((e: unknown) => e);
      expect(performance.now() - started).toBeGreaterThanOrEqual(499);
      expect((error as LockBusyError).waitedMs).toBeGreaterThanOrEqual(499);
      await lease.release();
    });

    it('does not come before the lease of a dead holder has ended', async () => {
      await using locks = await connectLockService({ url: server.url });
      // A lock that nobody will release, with less to live than the caller is ready to wait.
      await admin.hset(lockKey(name), 'somebody:1', '1');
      await admin.pexpire(lockKey(name), 500);
      const lease = await locks.acquire(name, { wait: 20_000 });
      await lease.release();
    });

    it('with several names leaves none of them locked', async () => {
      await using holder = await connectLockService({ url: server.url });
      await using locks = await connectLockService({ url: server.url });
      const names = ['a', 'b', 'c', 'd'].map((each) => `${name}:${each}`);
      const lease = await holder.acquire(names[2]!);
      await expect(locks.acquire(names, { wait: 500 })).rejects.toBeInstanceOf(LockBusyError);
      await expect(locks.withLock(names, () => 'ran', { wait: 0 })).rejects.toBeInstanceOf(LockBusyError);
      await untilIdle(locks);
      expect(await Promise.all(names.map((each) => taken(each)))).toEqual([false, false, true, false]);
      await lease.release();
    });

    it('settles the promise after a failure of Redis', async () => {
      await using proxy = await TcpProxy.start(server.url);
      await using holder = await connectLockService({ url: server.url });
      await using locks = await connectLockService({ url: proxy.url, commandTimeout: 200 });
      const lease = await holder.acquire(name, { lease: 600, renew: false });
      const waiting = locks.acquire(name, { wait: 1_500 }).catch((error: unknown) => error);
      await sleep(200);
      proxy.refuse();
      expect(await waiting).toBeInstanceOf(LockUnavailableError);
      proxy.accept();
      await lease.release();
      await untilIdle(locks);
    });

    it.each([60, 100])('after %i ms leaves no lock on a server that executes the request later', async (timeout) => {
      await using locks = await connectLockService({ url: server.url, commandTimeout: timeout, lease: 60_000 });
      server.freeze();
      const failed = expect(locks.acquire(name, { wait: 0 })).rejects.toBeInstanceOf(LockUnavailableError);
      const inTime = expect(locks.acquire(`${name}:2`, { wait: timeout / 2 })).rejects.toBeInstanceOf(
        LockUnavailableError,
      );
      await failed;
      await inTime;
      await sleep(3 * timeout);
      server.thaw();
      await untilIdle(locks);
      expect(await admin.exists(lockKey(name), lockKey(`${name}:2`))).toBe(0);
    });
  });

  describe('waiting', () => {
    it('misses no release between the first attempt and the subscription', async () => {
      await using holder = await connectLockService({ url: server.url, lease: 60_000 });
      for (let round = 0; round < 20; round += 1) {
        // A fresh service each time: its connection for notices is made while the lock is being released.
        await using locks = await connectLockService({ url: server.url });
        const lease = await holder.acquire(name);
        const waiting = locks.acquire(name, { wait: Infinity });
        for (let turn = 0; turn < round; turn += 1) await new Promise((resolve) => setImmediate(resolve));
        await lease.release();
        await (await waiting).release();
      }
    });

    it('continues for the other callers when one of them stops', async () => {
      await using holder = await connectLockService({ url: server.url, lease: 60_000 });
      await using locks = await connectLockService({ url: server.url });
      const lease = await holder.acquire(name);
      const impatient = locks.acquire(name, { wait: 100 }).catch((error: unknown) => error);
      const patient = locks.acquire(name, { wait: Infinity });
      expect(await impatient).toBeInstanceOf(LockBusyError);
      await sleep(1_200);
      await lease.release();
      await (await patient).release();
    });

    it('serves fifty callers through a temporary stall of the server', async () => {
      await using one = await connectLockService({ url: server.url, commandTimeout: 300 });
      await using two = await connectLockService({ url: server.url, commandTimeout: 300 });
      let served = 0;
      const callers = Array.from({ length: 50 }, (_, n) =>
        (n % 2 === 0 ? one : two).withLock(name, () => sleep(5).then(() => (served += 1)), { wait: Infinity }),
      );
      await sleep(50);
      server.freeze();
      await sleep(700);
      server.thaw();
      await Promise.all(callers);
      expect(served).toBe(50);
      await untilIdle(one, two);
    });
  });

  describe('the client', () => {
    it('with another database locks in that database', async () => {
      const client = server.client({ db: 3 });
      await using locks = await connectLockService({ client });
      await using elsewhere = await connectLockService({ url: server.url });
      const lease = await locks.acquire(name);
      expect(await taken()).toBe(false);
      const third = server.client({ db: 3 });
      expect(await third.exists(lockKey(name))).toBe(1);
      await using same = await connectLockService({ url: `${server.url}/3` });
      const waiting = same.acquire(name, { wait: 20_000 });
      await (await elsewhere.acquire(name)).release();
      await lease.release();
      await (await waiting).release();
    });

    it('gets no new commands, and may have custom commands of any name', async () => {
      const client = server.client();
      const before = new Set([...Object.keys(client), ...Object.getOwnPropertyNames(Object.getPrototypeOf(client))]);
      for (const command of ['acquireLock', 'releaseLock', 'acquire', 'release', 'renew', 'extend', 'inspect']) {
        client.defineCommand(command, { numberOfKeys: 1, lua: "return redis.call('SET', KEYS[1], 'not ours')" });
      }
      await using locks = await connectLockService({ client });
      await using sibling = await connectLockService({ client, keyPrefix: 'sibling:' });
      const lease = await locks.acquire(name);
      const other = await sibling.acquire(name);
      await lease.extend(20_000);
      expect(await admin.type(lockKey(name))).toBe('hash');
      await lease.release();
      await other.release();
      expect(await taken()).toBe(false);
      const added = [...Object.keys(client)].filter((key) => !before.has(key));
      expect(added.filter((key) => /script|eval/i.test(key))).toEqual([]);
      client.disconnect();
    });

    it('is not closed while a section runs, nor by the shutdown of the service', async () => {
      const client = server.client();
      const locks = await connectLockService({ client });
      const section = locks.withLock(name, async () => {
        await sleep(300);
        return client.ping();
      });
      await sleep(50);
      await locks.close();
      await expect(section).resolves.toBe('PONG');
      expect(await taken()).toBe(false);
      expect(client.status).toBe('ready');
      client.disconnect();
    });
  });

  it('code that holds a lock can acquire it again without a deadlock', async () => {
    await using locks = await connectLockService({ url: server.url });
    const nested = locks.withLock(name, () => locks.withLock(name, () => 'inner', { wait: 0 }));
    await expect(nested).resolves.toBe('inner');
  });

  it('two callers of one client are two owners, never one owner with two holders', async () => {
    await using locks = await connectLockService({ url: server.url });
    let inside = 0;
    let most = 0;
    const work = async (): Promise<void> => {
      most = Math.max(most, (inside += 1));
      await sleep(20);
      inside -= 1;
    };
    await Promise.all([1, 2, 3, 4].map(() => locks.withLock(name, work)));
    expect(most).toBe(1);
  });

  it('the release has been executed when the call returns', async () => {
    await using locks = await connectLockService({ url: server.url });
    for (let round = 0; round < 20; round += 1) {
      await locks.withLock(name, () => undefined);
      expect(await taken()).toBe(false);
      await locks.withLock(name, () => Promise.reject(new Error('x'))).catch(() => undefined);
      expect(await taken()).toBe(false);
    }
  });

  it('a section that runs for the length of many leases excludes all other callers', async () => {
    await using locks = await connectLockService({ url: server.url, lease: 300 });
    await using others = await connectLockService({ url: server.url });
    let inside = 0;
    const section = async (): Promise<void> => {
      expect((inside += 1)).toBe(1);
      await sleep(1_500);
      inside -= 1;
    };
    await Promise.all([locks.withLock(name, section), others.withLock(name, section, { wait: 20_000 })]);
  });

  it('a forged notification releases nothing', async () => {
    await using locks = await connectLockService({ url: server.url });
    await using others = await connectLockService({ url: server.url });
    const lease = await locks.acquire(name);
    const waiting = others.acquire(name, { wait: 1_000 }).catch((error: unknown) => error);
    for (const lie of ['0', '1', 'released', '']) {
      await sleep(50);
      await admin.publish(noticeChannel(name), lie);
    }
    expect(await waiting).toBeInstanceOf(LockBusyError);
    lease.assertHeld();
    await lease.release();
  });

  it.each(['stall', 'restart', 'error'])('no rejection is unhandled (%s), and the process continues', async (what) => {
    await using own = await RedisServer.start();
    await using child = ChildScript.start('hazards/children/stalls.mjs', [own.url, name], {
      NODE_OPTIONS: '--unhandled-rejections=strict',
    });
    await child.next('running');
    if (what === 'stall') {
      own.freeze();
      await sleep(900);
      own.thaw();
    } else if (what === 'restart') {
      await own.kill();
      await sleep(500);
      await own.restart();
    } else {
      const client = own.client();
      await client.config('SET', 'maxmemory', '1');
      await sleep(700);
      await client.flushall();
      await client.config('SET', 'maxmemory', '0');
    }
    child.send({ type: 'finish' });
    expect(await child.next('finished')).toMatchObject({ served: true });
    child.endInput();
    expect(await child.exited).toEqual({ code: 0, signal: null, stderr: '' });
  });

  it('memory does not grow with the number of locked names, and no timer or listener stays', async () => {
    await using child = ChildScript.start('hazards/children/grows.mjs', [server.url]);
    const { before, after, timers, listeners } = await child.next('measured');
    expect(timers).toEqual((before as { timers: number }).timers);
    expect(listeners).toEqual((before as { listeners: number }).listeners);
    // 20,000 names with a kilobyte each would be 20 MB.
    expect((after as { heap: number }).heap - (before as { heap: number }).heap).toBeLessThan(8_000_000);
    expect((after as { maps: number }).maps).toBeLessThanOrEqual((before as { maps: number }).maps + 200);
    child.endInput();
    expect(await child.exited).toMatchObject({ code: 0, stderr: '' });
  });
});
