import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { connectLockService, createLockService, LockShutdownError, LockUnavailableError } from 'nestjs-redis-lock';
import { ChildScript } from '../support/child-script.js';
import { lockKey } from '../support/lock-keys.js';
import { RedisServer } from '../support/redis-server.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { redisClient, testRedisUrl, uniqueName } from '../support/test-redis.js';
import { waitUntil } from '../support/wait-until.js';

describe('a shutdown', () => {
  const url = testRedisUrl();
  let admin: Redis;
  let name: string;

  beforeEach(() => {
    admin = redisClient();
    name = uniqueName('shutdown');
  });
  afterEach(() => admin.disconnect());

  const taken = async (): Promise<boolean> => (await admin.exists(lockKey(name))) === 1;

  /** Listeners by event, to compare. */
  const listeners = (client: Redis): Record<string, number> =>
    Object.fromEntries(client.eventNames().map((event) => [String(event), client.listenerCount(event)]));

  it('rejects all waiters at once, and does not affect the holder in another process', async () => {
    await using others = await connectLockService({ url });
    const lease = await others.acquire(name);
    const locks = await connectLockService({ url });
    const waiting = Array.from({ length: 100 }, () => locks.acquire(name, { wait: Infinity }));
    const outcomes = Promise.allSettled(waiting);
    await sleep(50);
    await locks.close();
    for (const outcome of await outcomes) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: expect.any(LockShutdownError) });
    }
    expect(locks.stats()).toMatchObject({ held: 0, waiting: 0, unsettled: 0 });
    await expect(lease.release()).resolves.toBe('released');
  });

  it('releases the lock of an acquire in flight', async () => {
    for (let round = 0; round < 10; round += 1) {
      const locks = await connectLockService({ url, lease: 60_000 });
      const acquiring = expect(locks.acquire(name)).rejects.toBeInstanceOf(LockShutdownError);
      // 0: before it was sent; later: while it is on its way.
      for (let turn = 0; turn < round; turn += 1) await Promise.resolve();
      if (round > 5) await new Promise((resolve) => process.nextTick(resolve));
      await locks.close();
      await acquiring;
      expect(await taken()).toBe(false);
    }
  });

  it('releases the lock of an acquire with a slow reply', async () => {
    await using proxy = await TcpProxy.start(url);
    const locks = await connectLockService({ url: proxy.url, lease: 60_000 });
    proxy.delayReplies(200);
    const acquiring = expect(locks.acquire(name)).rejects.toBeInstanceOf(LockShutdownError);
    await waitUntil('Redis has granted it', taken);
    await locks.close();
    await acquiring;
    expect(await taken()).toBe(false);
  });

  it('lets a running section end and releases its lock', async () => {
    const locks = await connectLockService({ url, lease: 60_000 });
    const order: string[] = [];
    const section = locks
      .withLock(name, async (lease) => {
        await sleep(200);
        lease.assertHeld();
        order.push('section');
      })
      .then(() => order.push('released'));
    await waitUntil('it runs', () => locks.stats().held === 1);
    await locks.close();
    order.push('closed');
    await section;
    expect(order.indexOf('section')).toBe(0);
    expect(order.indexOf('closed')).toBeGreaterThan(0);
    expect(await taken()).toBe(false);
  });

  it('renews the lease of a section while it waits for it', async () => {
    const locks = await connectLockService({ url, lease: 400 });
    const section = locks.withLock(name, async (lease) => {
      await sleep(1_000);
      return lease.signal.aborted;
    });
    await waitUntil('it runs', () => locks.stats().held === 1);
    const closing = locks.close();
    await expect(section).resolves.toBe(false);
    await closing;
  });

  it('during a renewal loses no lock', async () => {
    await using proxy = await TcpProxy.start(url);
    const locks = await connectLockService({ url: proxy.url, lease: 900 });
    const lease = await locks.acquire(name);
    const renewal = proxy.untilRequest(name);
    proxy.delayReplies(100);
    await renewal;
    const closing = locks.close();
    await expect(lease.release()).resolves.toBe('released');
    await closing;
    expect(await taken()).toBe(false);
  });

  it('notifies a section that does not end, and lets its lease expire', async () => {
    const locks = await connectLockService({ url, shutdownTimeout: 50, lease: 2_000 });
    const lease = await locks.acquire(name);
    const { signal } = lease;
    await locks.close();
    expect(signal.reason).toBeInstanceOf(LockShutdownError);
    expect(() => lease.assertHeld()).toThrow(LockShutdownError);
    expect(await taken()).toBe(true);
    // What is still released afterwards settles, though the connection is gone.
    await expect(lease.release()).resolves.toBe('unconfirmed');
    await admin.del(lockKey(name));
  });

  it('lets a section acquire further locks while it waits for it, and rejects other callers', async () => {
    const locks = await connectLockService({ url });
    await using others = await connectLockService({ url });
    const [second, third] = [`${name}:second`, `${name}:third`];
    const elsewhere = await others.acquire(third);
    let closing: Promise<void> | undefined = undefined;
    let queued = false;
    const section = locks.withLock(name, async () => {
      // One call waits already when the shutdown begins, as does the call of an outsider.
      const waits = locks.withLock(third, ({ token }) => token, { wait: Infinity });
      await waitUntil('both wait', () => locks.stats().waiting === 2);
      queued = true;
      await waitUntil('the shutdown has begun', () => closing !== undefined);
      await sleep(20);
      await locks.withLock([second, `${second}:too`], () => locks.withLock(second, () => undefined));
      await (await locks.tryAcquire(second))!.release();
      await elsewhere.release();
      return waits;
    });
    const outsider = expect(locks.acquire(third, { wait: Infinity })).rejects.toBeInstanceOf(LockShutdownError);
    await waitUntil('both wait', () => queued);
    closing = locks.close();
    await outsider;
    await expect(locks.acquire(second)).rejects.toBeInstanceOf(LockShutdownError);
    await expect(section).resolves.toBeGreaterThan(elsewhere.token);
    await closing;
    expect(await admin.exists(lockKey(name), lockKey(second), lockKey(third))).toBe(0);
  });

  it('lets a section of another service acquire locks until the service is closed', async () => {
    await using billing = await connectLockService({ url });
    const locks = await connectLockService({ url });
    await billing.withLock(`${name}:billing`, async () => {
      locks.refuse();
      await (await locks.acquire(name)).release();
      await locks.close();
      await expect(locks.acquire(name)).rejects.toBeInstanceOf(LockShutdownError);
    });
  });

  it('rejects further locks of a section that has lost its own', async () => {
    const locks = await connectLockService({ url });
    await locks.withLock(
      name,
      async ({ signal }) => {
        await once(signal, 'abort');
        locks.refuse();
        await expect(locks.acquire(`${name}:second`)).rejects.toBeInstanceOf(LockShutdownError);
      },
      { lease: 50, renew: false },
    );
    await locks.close();
  });

  it('rejects waiting calls of a section at the end of the shutdown', async () => {
    const locks = await connectLockService({ url, shutdownTimeout: 100 });
    await using others = await connectLockService({ url });
    await using _elsewhere = await others.acquire(`${name}:second`);
    const section = locks.withLock(name, () => locks.acquire(`${name}:second`, { wait: Infinity }));
    const refused = expect(section).rejects.toBeInstanceOf(LockShutdownError);
    await waitUntil('it waits', () => locks.stats().waiting === 1);
    await locks.close();
    await refused;
    expect(await taken()).toBe(false);
  });

  it.each([
    ['in the same microtask', () => undefined],
    ['after a request', () => admin.ping()],
    ['after 50 ms', () => sleep(50)],
  ])('releases the lock of a section that ends %s when its signal aborts', async (_when, cleanUp) => {
    const locks = await connectLockService({ url, shutdownTimeout: 50 });
    const outcomes: string[] = [];
    const section = locks.withLock(name, async ({ signal }) => {
      await once(signal, 'abort');
      await cleanUp();
    });
    const lease = await locks.acquire(`${name}:bare`);
    lease.signal.addEventListener('abort', () => void lease.release().then((outcome) => outcomes.push(outcome)));
    await locks.close();
    await section;
    expect(outcomes).toEqual(['released']);
    expect(await admin.exists(lockKey(name), lockKey(`${name}:bare`))).toBe(0);
  });

  it('releases the locks of sections that end at their signal, and keeps those of sections that continue', async () => {
    const locks = await connectLockService({ url, shutdownTimeout: 50, lease: 5_000 });
    const leader = locks.withLock(name, ({ signal }) => once(signal, 'abort'));
    const stuck = await locks.acquire(`${name}:stuck`);
    await locks.close();
    await leader;
    expect(await taken()).toBe(false);
    expect(await admin.exists(lockKey(`${name}:stuck`))).toBe(1);
    await expect(stuck.release()).resolves.toBe('unconfirmed');
    await admin.del(lockKey(`${name}:stuck`));
  });

  it('does not wait for a lost lease, and does not count it as held', async () => {
    const locks = await connectLockService({ url, shutdownTimeout: 60_000 });
    const lost = await Promise.all(
      Array.from({ length: 50 }, (_, index) => locks.acquire(`${name}:${String(index)}`, { lease: 500, renew: false })),
    );
    const several = await locks.acquire([`${name}:a`, `${name}:b`], { lease: 500, renew: false });
    await waitUntil('they are lost', () => [...lost, several].every(({ signal }) => signal.aborted));
    expect(locks.stats().held).toBe(0);
    // The time limit of the test is shorter than the one of the shutdown.
    await locks.close();
  });

  it('waits for a section that still runs although its lock is lost', async () => {
    const locks = await connectLockService({ url, shutdownTimeout: 60_000 });
    const order: string[] = [];
    let finish = (): void => undefined;
    const gate = new Promise<void>((resolve) => (finish = resolve));
    const section = locks.withLock(
      name,
      async ({ signal }) => {
        await once(signal, 'abort');
        expect(locks.stats().held).toBe(0);
        order.push('lost');
        await gate;
        order.push('ended');
      },
      { lease: 50, renew: false },
    );
    await waitUntil('it is lost', () => order.length === 1);
    const closing = locks.close().then(() => order.push('closed'));
    await sleep(50);
    finish();
    await section;
    await closing;
    expect(order).toEqual(['lost', 'ended', 'closed']);
  });

  it('ends although Redis is down', async () => {
    await using server = await RedisServer.start();
    const locks = await connectLockService({ url: server.url, commandTimeout: 200, shutdownTimeout: 100 });
    const lease = await locks.acquire(name);
    await server.kill();
    const waiting = expect(locks.acquire(name, { wait: Infinity })).rejects.toBeInstanceOf(LockShutdownError);
    await locks.close();
    await waiting;
    expect(lease.signal.aborted).toBe(true);
    await expect(locks.acquire(name)).rejects.toBeInstanceOf(LockShutdownError);
  });

  it('ends although Redis was never reachable', async () => {
    const locks = createLockService({ url: 'redis://127.0.0.1:1', commandTimeout: 200 });
    const waiting = expect(locks.acquire(name, { wait: Infinity })).rejects.toBeInstanceOf(LockShutdownError);
    await sleep(50);
    await locks.close();
    await waiting;
    await expect(locks.inspect(name)).rejects.toBeInstanceOf(LockUnavailableError);
  });

  it('can be requested repeatedly', async () => {
    const locks = await connectLockService({ url });
    await Promise.all([locks.close(), locks.close()]);
    await locks.close();
    await locks[Symbol.asyncDispose]();
  });

  it("leaves a caller's client open and without listeners of the library", async () => {
    const client = redisClient();
    await once(client, 'ready');
    const before = listeners(client);
    const locks = await connectLockService({ client });
    await using others = await connectLockService({ url });
    const lease = await others.acquire(name);
    // Waiting opens the connection for notices.
    await expect(locks.acquire(name, { wait: 500 })).rejects.toMatchObject({ code: 'LOCK_BUSY' });
    await lease.release();
    await locks.withLock(name, () => undefined);
    await locks.close();
    expect(listeners(client)).toEqual(before);
    expect(client.status).toBe('ready');
    expect(await client.ping()).toBe('PONG');
    client.disconnect();
  });

  it.each(['idle', 'waiting', 'holding', 'renewing', 'down', 'never-there'])(
    'lets the process end by itself (%s)',
    async (when) => {
      await using server = await RedisServer.start();
      await using child = ChildScript.start('hazards/children/closes.mjs', [server.url, name, when]);
      if (when === 'down') {
        await child.next('ready');
        await server.kill();
        child.send({ type: 'go' });
      }
      await child.next('closed');
      child.endInput();
      expect(await child.exited).toEqual({ code: 0, signal: null, stderr: '' });
      expect(child.messages.at(-1)).toMatchObject({ type: 'closed', timers: 0, sockets: 0 });
    },
  );
});
