import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { connectLockService, LockUnavailableError, type Lease, type LockSettings } from 'nestjs-redis-lock';
import { commandsBetween, commandStats } from '../support/command-stats.js';
import { debugAllowed } from '../support/redis-program.js';
import { describeEachWithRedisServer, describeWithRedisServer, RedisServer } from '../support/redis-server.js';
import { ReplicatedRedis } from '../support/replicated-redis.js';
import { EXCLUSIVE, FAIR, SUBJECTS, teachScripts, type Locks } from '../support/subjects.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { redisClient, uniqueName } from '../support/test-redis.js';
import { untilIdle } from '../support/until-idle.js';
import { waitUntil } from '../support/wait-until.js';

/** Replies take longer than the request timeout, and far less than a lease. */
const TIMEOUT_MS = 300;
const DELAY_MS = 500;

describeEachWithRedisServer(SUBJECTS, 'a late reply about $label', (subject) => {
  let server: RedisServer;
  let proxy: TcpProxy;
  let admin: Redis;
  let client: Redis;
  let name: string;

  beforeEach(async () => {
    server = await RedisServer.start();
    proxy = await TcpProxy.start(server.url);
    admin = server.client();
    client = redisClient(proxy.url, { maxRetriesPerRequest: null });
    name = uniqueName('late');
  });
  afterEach(async () => {
    client.disconnect();
    await proxy.close();
    await server.stop();
  });

  /** A service whose requests arrive at once, and whose replies are late from now on. */
  const openSlow = async (settings: LockSettings = {}, whose = 'own'): Promise<Locks> => {
    const more = { commandTimeout: TIMEOUT_MS, ...settings };
    const locks = await subject.connect(whose === 'own' ? { url: proxy.url, ...more } : { client, ...more });
    await teachScripts(locks);
    proxy.delayReplies(DELAY_MS);
    return locks;
  };
  const taken = async (): Promise<boolean> => (await admin.exists(subject.key(name))) === 1;
  /** How many scripts ran meanwhile: acquires, renewals and releases, batched. */
  const scriptsDuring = async (work: () => Promise<void>): Promise<number> => {
    const before = await commandStats(admin);
    await work();
    return commandsBetween(before, await commandStats(admin)).get('evalsha') ?? 0;
  };

  describe.each(['own', 'caller'])('to an acquire (the %s client)', (whose) => {
    it('gives the caller the lock after one request, with a lease counted from when it was sent', async () => {
      await using locks = await openSlow({}, whose);
      let remaining = 0;
      const scripts = await scriptsDuring(async () => {
        const lease = await locks.acquire(name, { lease: 30_000, renew: false });
        remaining = lease.remaining();
        lease.assertHeld();
        proxy.delayReplies(0);
        await lease.release();
      });
      expect(scripts).toBe(2);
      expect(remaining).toBeGreaterThan(20_000);
      expect(remaining).toBeLessThanOrEqual(30_000 - DELAY_MS);
      await untilIdle(locks);
      expect(await taken()).toBe(false);
    });

    it('fails a single attempt after the timeout, and leaves no lock behind', async () => {
      await using locks = await openSlow({}, whose);
      await expect(locks.acquire(name, { wait: 0 })).rejects.toBeInstanceOf(LockUnavailableError);
      await waitUntil('the lock is free', async () => !(await taken()));
      await untilIdle(locks);
      expect(await taken()).toBe(false);
    });

    it('goes to the next local caller when the first one no longer waits', async () => {
      await using locks = await openSlow({}, whose);
      const single = locks.acquire(name, { wait: 0 }).catch((error: unknown) => error);
      let lease: Lease | undefined;
      const scripts = await scriptsDuring(async () => {
        await sleep(50);
        lease = await locks.acquire(name);
      });
      expect(await single).toBeInstanceOf(LockUnavailableError);
      // The acquire is in flight when counting begins, or has just been executed. Of a semaphore, each caller sends one.
      // The second caller of a fair lock asks again after it has subscribed, and the grant of the first one is released.
      expect(scripts).toBeLessThanOrEqual(subject === EXCLUSIVE ? 1 : subject === FAIR ? 4 : 2);
      proxy.delayReplies(0);
      await lease!.release();
      await untilIdle(locks);
    });

    it('is released when the caller stops waiting, so that another process gets the lock', async () => {
      await using locks = await openSlow({}, whose);
      await using fast = await subject.connect({ url: server.url });
      const slow = locks.acquire(name, { wait: 400 }).catch((error: unknown) => error);
      await waitUntil('the acquire is carried out', taken);
      const lease = await fast.acquire(name, { wait: 20_000 });
      expect(await slow).toBeInstanceOf(LockUnavailableError);
      await lease.release();
      await untilIdle(locks, fast);
    });

    it('does not accumulate requests: 20 single attempts are soon cleaned up, with one release each', async () => {
      await using locks = await openSlow({}, whose);
      const scripts = await scriptsDuring(async () => {
        for (let n = 0; n < 20; n += 1) {
          void locks.acquire(`${name}-${n}`, { wait: 0 }).catch(() => undefined);
          await sleep(5);
        }
        await sleep(TIMEOUT_MS);
        await untilIdle(locks);
      });
      expect(scripts).toBeLessThanOrEqual(40);
    });

    it('that arrives after the lease has ended is no grant, and is released', async () => {
      await using locks = await openSlow({}, whose);
      const error: unknown = await locks
        .acquire(name, { lease: 400, renew: false, wait: 450 })
        .catch((e: unknown) => e);
      expect(error).toBeInstanceOf(LockUnavailableError);
      await untilIdle(locks);
      expect(await taken()).toBe(false);
    });
  });

  describe.each(['own', 'caller'])('to a renewal (the %s client)', (whose) => {
    it('counts from when the renewal was sent, and the lease continues as long as renewals are executed', async () => {
      await using locks = await openSlow({ lease: 3_000 }, whose);
      proxy.delayReplies(0);
      const lease = await locks.acquire(name);
      proxy.delayReplies(DELAY_MS);
      await sleep(7_000);
      lease.assertHeld();
      expect(lease.signal.aborted).toBe(false);
      proxy.delayReplies(0);
      // Behind a reply that is still delayed it may be late, too.
      expect(await lease.release()).not.toBe('lost');
      await untilIdle(locks);
    });

    it('to an extend counts, although the call has failed', async () => {
      await using locks = await openSlow({ lease: 3_000 }, whose);
      proxy.delayReplies(0);
      const lease = await locks.acquire(name, { lease: 3_000, renew: false });
      proxy.delayReplies(DELAY_MS);
      await expect(lease.extend(60_000)).rejects.toBeInstanceOf(LockUnavailableError);
      expect(lease.remaining()).toBeLessThanOrEqual(3_000);
      await waitUntil('the lease is extended', () => lease.remaining() > 10_000);
      proxy.delayReplies(0);
      await lease.release();
      await untilIdle(locks);
    });
  });

  it.each(['own', 'caller'])('to a release completes it without a second request (the %s client)', async (whose) => {
    await using locks = await openSlow({}, whose);
    proxy.delayReplies(0);
    const lease = await locks.acquire(name);
    proxy.delayReplies(DELAY_MS);
    const scripts = await scriptsDuring(async () => {
      await expect(lease.release()).resolves.toBe('unconfirmed');
      expect(locks.stats().unsettled).toBe(1);
      expect(await taken()).toBe(false);
      await untilIdle(locks);
    });
    expect(scripts).toBe(1);
  });

  it('of a closed service is not waited for', async () => {
    const locks = await openSlow({ shutdownTimeout: 100 });
    const waiting = locks.acquire(name).catch((error: unknown) => error);
    await waitUntil('the acquire is carried out', taken);
    proxy.replies = 'hold';
    await sleep(TIMEOUT_MS);
    await locks.close();
    expect(await waiting).toMatchObject({ code: 'LOCK_SHUTDOWN' });
    expect(await taken()).toBe(false);
  });

  it('to a script that the server has lost costs one more round trip, not the lock', async () => {
    await using locks = await openSlow();
    await admin.script('FLUSH');
    const lease = await locks.acquire(name, { wait: 20_000 });
    lease.assertHeld();
    proxy.delayReplies(0);
    await lease.release();
    await untilIdle(locks);
  });
});

describeWithRedisServer('a server that is busy for longer than the request timeout', () => {
  it('still serves sections, on the existing connection', async () => {
    await using server = await RedisServer.start(...debugAllowed());
    await using locks = await connectLockService({ url: server.url });
    const name = uniqueName('busy');
    await (await locks.acquire(name)).release();
    const { id } = (await clientsOf(server))[0]!;
    let busy = true;
    const others = [1, 2, 3].map(async () => {
      const client = server.client();
      while (busy) await client.call('DEBUG', 'SLEEP', '1.2');
    });
    await sleep(100);
    for (let n = 0; n < 2; n += 1) await locks.withLock(name, () => undefined, { wait: 60_000 });
    busy = false;
    await Promise.all(others);
    await untilIdle(locks);
    expect((await clientsOf(server)).map((each) => each.id)).toContain(id);
  });
});

async function clientsOf(server: RedisServer): Promise<{ id: string }[]> {
  const list = String(await server.client().call('client', 'list'));
  return [...list.matchAll(/^id=(\d+) .*name=nestjs-redis-lock /gm)].map(([, id]) => ({ id: id! }));
}

describeEachWithRedisServer(SUBJECTS, 'a late reply about $label that replicas acknowledge', (subject) => {
  it('gives the caller the lock, and keeps it', async () => {
    await using set = await ReplicatedRedis.start(1);
    const admin = set.master.client();
    await admin.set('first', 1);
    expect(await admin.wait(1, 20_000)).toBe(1);
    await using proxy = await TcpProxy.start(set.url);
    await using locks = await subject.connect({
      url: proxy.url,
      commandTimeout: TIMEOUT_MS,
      lease: 3_000,
      minReplicas: 1,
    });
    const name = uniqueName('late-acked');
    await (await locks.acquire(name)).release();
    proxy.delayReplies(DELAY_MS);
    const before = await commandStats(admin);
    const lease = await locks.acquire(name);
    expect(commandsBetween(before, await commandStats(admin)).get('evalsha')).toBe(1);
    await sleep(5_000);
    lease.assertHeld();
    proxy.delayReplies(0);
    expect(await lease.release()).not.toBe('lost');
    await untilIdle(locks);
  });
});
