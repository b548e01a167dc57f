import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { connectLockService, LockBusyError, LockLostError, type LockService } from 'nestjs-redis-lock';
import { ChildScript } from '../support/child-script.js';
import { commandStats } from '../support/command-stats.js';
import { RedisServer } from '../support/redis-server.js';
import { uniqueName } from '../support/test-redis.js';
import { untilIdle } from '../support/until-idle.js';
import { waitUntil } from '../support/wait-until.js';
import { RedissonPeer, type JavaThread } from './redisson-peer.js';

/** A lease so long that who gets the lock well before its end was woken. */
const LONG_MS = 60_000;
const WELL_BEFORE_MS = 50_000;
/** A lease that both watchdogs renew, and that ends soon when its holder dies. */
const SHORT_MS = 4_000;

describe('a lock shared with Redisson', () => {
  let server: RedisServer;
  let admin: Redis;
  let jvm: RedissonPeer;
  let doomedJvm: RedissonPeer;
  let java: JavaThread;
  let otherJava: JavaThread;
  /** Ours, with the names that Java uses. */
  let locks: LockService;
  let otherLocks: LockService;
  /** Ours, with leases of `SHORT_MS`. */
  let shortLocks: LockService;
  /** Ours, with the default prefix. */
  let prefixedLocks: LockService;
  let services: LockService[];
  let name: string;

  beforeAll(async () => {
    server = await RedisServer.start();
    const { url } = server;
    admin = server.client();
    [jvm, doomedJvm] = await Promise.all([RedissonPeer.start(url, SHORT_MS), RedissonPeer.start(url, SHORT_MS)]);
    locks = await connectLockService({ url, keyPrefix: '' });
    otherLocks = await connectLockService({ url, keyPrefix: '' });
    shortLocks = await connectLockService({ url, keyPrefix: '', lease: SHORT_MS });
    prefixedLocks = await connectLockService({ url });
    services = [locks, otherLocks, shortLocks, prefixedLocks];
  });
  beforeEach(() => {
    name = uniqueName('shared');
    // Of its own for each test, since one that fails may leave them blocked.
    java = jvm.thread(`${name} one`);
    otherJava = jvm.thread(`${name} two`);
  });
  afterAll(async () => {
    await Promise.all(services.map((service) => service.close()));
    await Promise.all([jvm.kill(), doomedJvm.kill()]);
    await server.stop();
  });

  /** By the clock of Redis. */
  const now = async (): Promise<number> => {
    const [seconds, micros] = await admin.time();
    return Number(seconds) * 1_000 + Number(micros) / 1_000;
  };
  const endOfLease = async (key: string): Promise<number> => {
    const end = await admin.pexpiretime(key);
    expect(end).toBeGreaterThan(0);
    return end;
  };
  const scriptCalls = async (): Promise<number> => {
    const counts = await commandStats(admin);
    return (counts.get('evalsha') ?? 0) + (counts.get('eval') ?? 0);
  };
  /** Resolves once `wait` has found the lock taken both before and after it subscribed. */
  const untilAsleep = async <T>(wait: () => Promise<T>): Promise<{ got: Promise<T> }> => {
    const before = await scriptCalls();
    const got = wait();
    await waitUntil('it has tried twice', async () => (await scriptCalls()) >= before + 2);
    return { got };
  };
  const untilJavaSleeps = (thread: JavaThread): Promise<boolean> =>
    waitUntil('the Java thread sleeps', () => thread.isAsleep());
  const listeners = async (channel: string): Promise<number> => Number((await admin.pubsub('NUMSUB', channel))[1]);

  describe('held by Java', () => {
    it('is busy for this library, and inspect shows the owner, the holds and the remaining time', async () => {
      await java.lock(name, { lease: LONG_MS });
      expect(await locks.tryAcquire(name)).toBeNull();
      const most = await java.remaining(name);
      const state = await locks.inspect(name);
      const busy = await locks.acquire(name, { wait: 0 }).catch((error: unknown) => error);
      const least = await java.remaining(name);
      expect(state).toMatchObject({ held: true, owner: await java.owner(), holds: 1 });
      expect(busy).toBeInstanceOf(LockBusyError);
      for (const remaining of [state.remainingMs, (busy as LockBusyError).remainingMs]) {
        expect(remaining).toBeLessThanOrEqual(most);
        // Both are rounded to a ms.
        expect(remaining).toBeGreaterThanOrEqual(least - 1);
      }

      await java.lock(name, { lease: LONG_MS });
      expect(await java.holds(name)).toBe(2);
      expect(await locks.inspect(name)).toMatchObject({ held: true, owner: await java.owner(), holds: 2 });
      await java.unlock(name);
      expect(await locks.inspect(name)).toMatchObject({ held: true, holds: 1 });
      expect(await locks.tryAcquire(name)).toBeNull();
      await java.unlock(name);
      expect(await locks.inspect(name)).toMatchObject({ held: false, holds: 0 });
      await (await locks.acquire(name, { wait: 0 })).release();
    });

    it('notifies this library as soon as Java unlocks it', async () => {
      await java.lock(name, { lease: LONG_MS });
      const { got } = await untilAsleep(() => locks.acquire(name, { wait: Infinity }));
      const end = await endOfLease(name);
      await java.unlock(name);
      const lease = await got;
      expect(end - (await now())).toBeGreaterThan(WELL_BEFORE_MS);
      await lease.release();
    });

    it('excludes this library until the outermost of nested unlocks in Java', async () => {
      await java.lock(name, { lease: LONG_MS });
      const { got } = await untilAsleep(() => locks.acquire(name, { wait: Infinity }));
      await java.lock(name, { lease: LONG_MS });
      await java.unlock(name);
      // The inner unlock has no notice; one that somebody else sends changes nothing either.
      await admin.publish(`redisson_lock__channel:{${name}}`, '0');
      expect(await Promise.race([got, sleep(200, 'waiting')])).toBe('waiting');
      await java.unlock(name);
      await (await got).release();
    });
  });

  describe('held by this library', () => {
    it('is busy for Java, which gets the remaining time', async () => {
      const lease = await locks.acquire(name, { lease: LONG_MS, renew: false });
      expect(await java.tryLock(name)).toBe(false);
      expect(await java.isLocked(name)).toBe(true);
      expect(await java.isHeldByMe(name)).toBe(false);
      const most = await admin.pttl(name);
      const remaining = await java.remaining(name);
      expect(remaining).toBeLessThanOrEqual(most);
      expect(remaining).toBeGreaterThanOrEqual(await admin.pttl(name));
      await expect(java.unlock(name)).rejects.toMatchObject({ name: 'IllegalMonitorStateException' });
      lease.assertHeld();
      expect(await lease.release()).toBe('released');
      expect(await java.isLocked(name)).toBe(false);
    });

    it('notifies a blocked Java thread as soon as this library releases it', async () => {
      const lease = await locks.acquire(name, { lease: LONG_MS, renew: false });
      const got = java.lock(name);
      await untilJavaSleeps(java);
      const end = await endOfLease(name);
      expect(await lease.release()).toBe('released');
      await got;
      expect(end - (await now())).toBeGreaterThan(WELL_BEFORE_MS);
      expect(await locks.tryAcquire(name)).toBeNull();
      await java.unlock(name);
    });
  });

  it('kept by this library with holdAtLeast: Java gets it after that time, not after the lease it saw', async () => {
    const lease = await locks.acquire(name, { holdAtLeast: 1_000 });
    await lease.extend(LONG_MS);
    const got = java.lock(name);
    await untilJavaSleeps(java);
    const end = await endOfLease(name);
    expect(await lease.release()).toBe('released');
    await got;
    expect(end - (await now())).toBeGreaterThan(WELL_BEFORE_MS);
    await java.unlock(name);
  });

  describe('renewed by a watchdog', () => {
    it('excludes the other side for longer than the first lease, in both directions', async () => {
      const javas = `${name}:java`;
      const lease = await shortLocks.acquire(name);
      await otherJava.lock(javas);
      const wait = 1.5 * SHORT_MS;
      const [javaGot, oursGot] = await Promise.all([java.tryLock(name, { wait }), locks.tryAcquire(javas, { wait })]);
      expect({ javaGot, oursGot }).toEqual({ javaGot: false, oursGot: null });
      lease.assertHeld();
      expect(await otherJava.isHeldByMe(javas)).toBe(true);
      expect(await lease.release()).toBe('released');
      await otherJava.unlock(javas);
    });
  });

  describe('whose holder is killed', () => {
    it('goes to this library when the lease of the Java process has ended', async () => {
      await doomedJvm.thread('one').lock(name);
      const { got } = await untilAsleep(() => locks.acquire(name, { wait: Infinity }));
      await doomedJvm.kill();
      const end = await endOfLease(name);
      const lease = await got;
      expect(await now()).toBeGreaterThanOrEqual(end);
      await lease.release();
    });

    it('goes to Java when the lease of the Node process has ended', async () => {
      await using child = ChildScript.start('hazards/children/holder.mjs', [server.url, name, String(SHORT_MS)]);
      await child.next('held');
      const key = `lock:${name}`;
      const got = java.lock(key);
      await untilJavaSleeps(java);
      await child.kill();
      const end = await endOfLease(key);
      await got;
      expect(await now()).toBeGreaterThanOrEqual(end);
      await java.unlock(key);
    });
  });

  describe('released by force', () => {
    it('by Java: notifies the waiters, and the signal of the lease aborts', async () => {
      const lease = await shortLocks.acquire(name);
      const lost = new Promise((resolve) => lease.signal.addEventListener('abort', () => resolve(lease.signal.reason)));
      const { got } = await untilAsleep(() => locks.acquire(name, { wait: Infinity }));
      expect(await java.forceUnlock(name)).toBe(true);
      const next = await got;
      const reason = await lost;
      expect(reason).toBeInstanceOf(LockLostError);
      expect(reason).toMatchObject({ reason: 'taken' });
      expect(await lease.release()).toBe('lost');
      next.assertHeld();
      expect(await next.release()).toBe('released');
    });

    it('by this library: notifies a blocked Java thread, and the unlock of the holder throws', async () => {
      await java.lock(name, { lease: LONG_MS });
      const got = otherJava.lock(name);
      await untilJavaSleeps(otherJava);
      const end = await endOfLease(name);
      expect(await locks.forceRelease(name)).toBe(true);
      await got;
      expect(end - (await now())).toBeGreaterThan(WELL_BEFORE_MS);
      await expect(java.unlock(name)).rejects.toMatchObject({ name: 'IllegalMonitorStateException' });
      await otherJava.unlock(name);
      expect(await locks.forceRelease(name)).toBe(false);
    });
  });

  describe('as RFencedLock', () => {
    it.each(['Java', 'ours'])('has tokens that grow from one side to the other, first taken by %s', async (first) => {
      const tokens: number[] = [];
      const takeInJava = async (): Promise<void> => {
        tokens.push(await java.lockAndGetToken(name));
        expect((await locks.inspect(name)).token).toBe(tokens.at(-1));
        await java.unlock(name);
      };
      const takeInOurs = async (): Promise<void> => {
        await locks.withLock(name, async (lease) => {
          tokens.push(lease.token);
          expect(await java.token(name)).toBe(lease.token);
        });
        // Several at once reserve their tokens together.
        await Promise.all([1, 2, 3].map(() => locks.withLock(name, (lease) => tokens.push(lease.token))));
      };
      if (first === 'Java') await takeInJava();
      for (let round = 0; round < 5; round++) {
        await takeInOurs();
        await takeInJava();
      }
      expect(tokens).toEqual([...new Set(tokens)].sort((a, b) => a - b));
      expect(tokens.length).toBeGreaterThanOrEqual(25);
    });
  });

  describe.each([
    { keyPrefix: '', service: () => locks },
    { keyPrefix: 'lock:', service: () => prefixedLocks },
  ])('with the prefix "$keyPrefix"', ({ keyPrefix, service }) => {
    it.each(['plain', 'x{y}z', '{whole}', 'two{a}{b}', 'open{', 'closed}', 'ö und ü'])(
      'has one channel for both sides with the name "%s"',
      async (label) => {
        const ourName = `${label}:${name}`;
        const javaName = keyPrefix + ourName;
        await java.lock(javaName, { lease: LONG_MS });
        const { got: oursGot } = await untilAsleep(() => service().acquire(ourName, { wait: Infinity }));
        const javaGot = otherJava.lock(javaName);
        await untilJavaSleeps(otherJava);
        const channels = ((await admin.pubsub('CHANNELS', '*')) as string[]).filter((each) => each.includes(name));
        expect(channels).toHaveLength(1);
        expect(await listeners(channels[0]!)).toBe(2);
        const end = await endOfLease(javaName);
        await java.unlock(javaName);
        await Promise.all([oursGot.then((lease) => lease.release()), javaGot.then(() => otherJava.unlock(javaName))]);
        expect(end - (await now())).toBeGreaterThan(WELL_BEFORE_MS);
      },
    );
  });

  it('lets one caller in at a time, serves all callers and leaves only the token', async () => {
    await untilIdle(...services);
    await admin.flushall();
    const inside = 'witness:inside';
    const order = 'witness:order';
    const count = 50;
    const sections = async (service: LockService): Promise<number> => {
      let overlaps = 0;
      for (let n = 0; n < count; n++) {
        await service.withLock(
          name,
          async () => {
            if ((await admin.incr(inside)) !== 1) overlaps += 1;
            await admin.rpush(order, 'ours');
            await sleep(1);
            if ((await admin.decr(inside)) !== 0) overlaps += 1;
          },
          { wait: Infinity },
        );
        await sleep(2);
      }
      return overlaps;
    };
    const overlaps = await Promise.all([
      ...[java, otherJava].map((thread) => thread.sections(name, { count, inside, order })),
      ...[locks, locks, otherLocks, otherLocks].map(sections),
    ]);
    expect(overlaps).toEqual([0, 0, 0, 0, 0, 0]);
    const sides = await admin.lrange(order, 0, -1);
    expect(sides.filter((side) => side === 'java')).toHaveLength(2 * count);
    expect(sides.filter((side) => side === 'ours')).toHaveLength(4 * count);
    // It went to and fro: neither side was done before the other began.
    expect(sides.filter((side, index) => side !== sides[index - 1]).length).toBeGreaterThan(10);
    await untilIdle(...services);
    const keysLeft = async (): Promise<string[]> =>
      (await admin.keys('*')).filter((key) => !key.startsWith('lock_holder:')).sort();
    const left = [`redisson_lock_token:{${name}}`, inside, order];
    await waitUntil('nothing else is left', async () => (await keysLeft()).join() === left.join());
    await waitUntil('nobody listens any more', async () => (await admin.pubsub('CHANNELS', `*${name}*`)).length === 0);
  });
});
