import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import {
  connectLockService,
  type AcquireOptions,
  type Lease,
  type LockService,
  type LockServiceOptions,
} from 'nestjs-redis-lock';
import { ChildScript } from '../support/child-script.js';
import { RedisCluster } from '../support/redis-cluster.js';
import { RedisServer } from '../support/redis-server.js';
import { uniqueName } from '../support/test-redis.js';
import { untilIdle } from '../support/until-idle.js';
import { waitUntil } from '../support/wait-until.js';
import { Gauge } from './gauge.js';
import { RedissonPeer, type JavaThread } from './redisson-peer.js';

/** A lease so long that who gets a lock well before its end was woken. */
const LONG_MS = 60_000;
const WELL_BEFORE_MS = 50_000;
/** A lease that both sides renew, and that ends soon when its holder is gone. */
const SHORT_MS = 2_000;
/** How long a waiter of this library keeps its place without asking again. */
const PLACE_MS = 5_000;
/** A waiter of this library looks again every 3 s: so many hand-overs in less than a third of that time were notified. */
const HANDOVERS = 10;
const NOTIFIED_MS = HANDOVERS * 1_000;

const FAIR: AcquireOptions = { mode: 'fair', wait: LONG_MS };
/** How many sections of each caller the mixed test runs; SECTIONS sets it for a long run. */
const SECTIONS = Number(process.env.SECTIONS ?? 100);

/** The tests of fair locks that Redisson and this library share. */
export function describeFairWithRedisson(where: 'one Redis' | 'a cluster'): void {
  describe(`a fair lock shared with Redisson on ${where}`, () => {
    let close: () => Promise<void>;
    let url: string;
    let connection: LockServiceOptions;
    let admin: (key: string) => Promise<Redis>;
    let jvm: RedissonPeer;
    /** Its watchdog renews leases of `SHORT_MS`. */
    let shortJvm: RedissonPeer;
    let java: JavaThread;
    let locks: LockService;
    let otherLocks: LockService;
    let name: string;
    let order: string[];

    const mode = where === 'a cluster' ? 'cluster' : 'single';

    beforeAll(async () => {
      if (where === 'one Redis') {
        const server = await RedisServer.start();
        close = () => server.stop();
        url = server.url;
        const client = server.client();
        admin = () => Promise.resolve(client);
        connection = { url, keyPrefix: '', lease: LONG_MS };
      } else {
        const cluster = await RedisCluster.start({ replicas: 0 });
        close = () => cluster.stop();
        url = cluster.servers[0]!.url;
        admin = async (key) => (await cluster.masterOf(key)).admin;
        connection = { cluster: { nodes: cluster.nodes }, keyPrefix: '', lease: LONG_MS };
      }
      [jvm, shortJvm] = await Promise.all([
        RedissonPeer.start(url, LONG_MS, mode),
        RedissonPeer.start(url, SHORT_MS, mode),
      ]);
      [locks, otherLocks] = await Promise.all([connectLockService(connection), connectLockService(connection)]);
    }, 60_000);
    beforeEach(() => {
      name = uniqueName('fair');
      java = jvm.thread(name).to('fair');
      order = [];
    });
    afterEach(async () => {
      await untilIdle(locks, otherLocks);
      await waitUntil('only a token is left', async () => (await keysOf()).length === 0);
    });
    afterAll(async () => {
      await Promise.all([locks.close(), otherLocks.close()]);
      await Promise.all([jvm.kill(), shortJvm.kill()]);
      await close();
    });

    const keysOf = async () =>
      (await (await admin(name)).keys(`*${name}*`)).filter((key) => key !== `redisson_lock_token:{${name}}`);
    const queue = async () => (await admin(name)).lrange(`redisson_lock_queue:{${name}}`, 0, -1);
    const untilQueued = (count: number) =>
      waitUntil(`${String(count)} wait in the queue`, async () => (await queue()).length === count);
    const thread = (label: string, of = jvm) => of.thread(`${name} ${label}`).to('fair');
    const javaSleeps = (of = java) => waitUntil('Java sleeps', () => of.isAsleep());
    /** Time for the second attempt of a waiter of this library, after it has subscribed. */
    const subscribed = () => sleep(300);
    const timed = async (run: () => Promise<unknown>): Promise<number> => {
      const began = performance.now();
      await run();
      return performance.now() - began;
    };
    const promptly = async (run: () => Promise<unknown>) => expect(await timed(run)).toBeLessThan(WELL_BEFORE_MS);

    /** Begins to wait at the end of the queue; then notes the label, and leaves. */
    const node = async (label: string, service = locks) => {
      const before = (await queue()).length;
      const served = service.withLock(name, () => void order.push(label), FAIR);
      await untilQueued(before + 1);
      return { served };
    };
    const javaIn = async (label: string, of = jvm) => {
      const before = (await queue()).length;
      const waiter = thread(label, of);
      const served = waiter.lock(name).then(async () => {
        order.push(label);
        await waiter.unlock(name);
      });
      await untilQueued(before + 1);
      await javaSleeps(waiter);
      return { served };
    };
    /** A process of this library that waits at the end of the queue and is killed. */
    const killedWaiter = async () => {
      const before = (await queue()).length;
      await using child = ChildScript.start('redisson/children/fair-caller.mjs', [JSON.stringify(connection), name]);
      await untilQueued(before + 1);
      await child.kill();
    };

    it('has one holder, of one side', async () => {
      await java.lock(name);
      for (const each of ['fair', 'exclusive'] as const)
        expect(await locks.tryAcquire(name, { mode: each })).toBeNull();
      expect(await locks.inspect(name)).toMatchObject({ held: true, mode: 'exclusive', holds: 1 });
      await java.lock(name);
      expect((await locks.inspect(name)).holds).toBe(2);
      await java.unlock(name);
      expect(await locks.tryAcquire(name, { mode: 'fair' })).toBeNull();
      await java.unlock(name);
      const lease = await locks.acquire(name, { ...FAIR, wait: 0 });
      expect(await java.tryLock(name)).toBe(false);
      expect(await jvm.thread(name).tryLock(name)).toBe(false);
      expect(await java.isLocked(name)).toBe(true);
      expect(await lease.release()).toBe('released');
    });

    it.each(['fair', 'plain'])('held by Java (%s), notifies the waiter of this library', async (held) => {
      const holder = held === 'fair' ? java : jvm.thread(name);
      let ms = 0;
      for (let round = 0; round < HANDOVERS; round += 1) {
        await holder.lock(name, { lease: LONG_MS });
        const waiting = locks.acquire(name, FAIR);
        await untilQueued(1);
        await subscribed();
        ms += await timed(async () => {
          await holder.unlock(name);
          await (await waiting).release();
        });
      }
      expect(ms).toBeLessThan(NOTIFIED_MS);
    });

    it('held by this library, notifies Java', async () => {
      const lease = await locks.acquire(name, FAIR);
      const waiting = java.lock(name);
      await javaSleeps();
      await promptly(async () => {
        await lease.release();
        await waiting;
      });
      await java.unlock(name);
    });

    it('goes to and fro between both sides, each time by a notification', async () => {
      let lease: Lease = await locks.acquire(name, FAIR);
      const ms = await timed(async () => {
        for (let round = 0; round < HANDOVERS; round += 1) {
          const javaGot = java.lock(name);
          await javaSleeps();
          await lease.release();
          await javaGot;
          const got = otherLocks.acquire(name, FAIR);
          await untilQueued(1);
          await java.unlock(name);
          lease = await got;
        }
      });
      expect(ms).toBeLessThan(NOTIFIED_MS);
      await lease.release();
    });

    it('is neither released nor renewed by the side that does not hold it', async () => {
      const lease = await locks.acquire(name, { ...FAIR, lease: SHORT_MS });
      await expect(java.unlock(name)).rejects.toMatchObject({ name: 'IllegalMonitorStateException' });
      const javaGot = java.lock(name, { lease: 2 * SHORT_MS });
      await javaSleeps();
      // Longer than its lease: it was renewed.
      await sleep(1.5 * SHORT_MS);
      lease.assertHeld();
      await (await admin(name)).del(name);
      await waitUntil('it is lost', () => lease.signal.aborted);
      await javaGot;
      expect(await lease.release()).toBe('lost');
      expect(await java.isHeldByMe(name)).toBe(true);
      const end = await (await admin(name)).pexpiretime(name);
      await locks.withLock(name, () => expect(Date.now()).toBeGreaterThanOrEqual(end), FAIR);
    });

    it.each(['this library', 'Java'])('has no gap where a waiter of %s has given up', async (side) => {
      const lease = await otherLocks.acquire(name, FAIR);
      const leaving =
        side === 'Java'
          ? thread('leaving').tryLock(name, { wait: 1_500 })
          : locks.acquire(name, { ...FAIR, wait: 1_500 }).catch((error: unknown) => (error as Error).name);
      await untilQueued(1);
      const next = side === 'Java' ? await node('next') : await javaIn('next');
      expect(await leaving).toBe(side === 'Java' ? false : 'LockBusyError');
      await untilQueued(1);
      await promptly(async () => {
        await lease.release();
        await next.served;
      });
    });

    it.each(['Java', 'this library'])('serves both sides in the order of their requests, after %s', async (first) => {
      const lease = first === 'Java' ? java.lock(name) : locks.acquire(name, FAIR);
      const holder = await lease;
      const waiting = [await node('1'), await javaIn('2'), await node('3', otherLocks), await javaIn('4')];
      const leaving = thread('leaving').tryLock(name, { wait: 2_000 });
      await untilQueued(5);
      waiting.push(await javaIn('5'), await node('6'), await node('7', otherLocks), await javaIn('8'));
      expect(await leaving).toBe(false);
      await untilQueued(8);
      await promptly(async () => {
        if (holder) await holder.release();
        else await java.unlock(name);
        await Promise.all(waiting.map(({ served }) => served));
      });
      expect(order).toEqual(['1', '2', '3', '4', '5', '6', '7', '8']);
    });

    it('keeps the order when its holder stays for longer than the deadlines were counted from', async () => {
      const holder = thread('holder', shortJvm);
      await holder.lock(name);
      const waiting = [
        await javaIn('1', shortJvm),
        await node('2'),
        await javaIn('3', shortJvm),
        await node('4', otherLocks),
        await javaIn('5', shortJvm),
      ];
      await sleep(2 * SHORT_MS + 2 * PLACE_MS);
      await holder.unlock(name);
      await Promise.all(waiting.map(({ served }) => served));
      expect(order).toEqual(['1', '2', '3', '4', '5']);
    });

    it('keeps the place of a waiter of Java behind one of this library for longer than Redisson would', async () => {
      await using impatient = await RedissonPeer.start(url, SHORT_MS, mode, 3_000);
      const holder = await locks.acquire(name, FAIR);
      const waiting = [await node('1'), await javaIn('2', impatient), await node('3', otherLocks)];
      await sleep(2 * 3_000 + PLACE_MS);
      await holder.release();
      await Promise.all(waiting.map(({ served }) => served));
      expect(order).toEqual(['1', '2', '3']);
    });

    it('serves this library behind waiters of Java whose time is over again and again', async () => {
      await using impatient = await RedissonPeer.start(url, SHORT_MS, mode, 3_000);
      const holder = thread('holder', shortJvm);
      await holder.lock(name);
      const first = await javaIn('Java', impatient);
      const ours = await node('this library');
      const last = thread('last', impatient);
      const lastServed = last.lock(name).then(async () => {
        order.push('Java');
        await last.unlock(name);
      });
      await sleep(4 * 3_000);
      await holder.unlock(name);
      await Promise.all([first.served, ours.served, lastServed]);
      expect(order.indexOf('this library')).toBeLessThan(2);
    });

    it('does not drop a waiter of Java when the waiters of this library before it are served', async () => {
      const lease = await locks.acquire(name, FAIR);
      const before = [await node('1'), await node('2', otherLocks), await node('3'), await node('4', otherLocks)];
      const patient = thread('patient');
      const served = patient.tryLock(name, { wait: 10_000 }).then(async (got) => {
        order.push(got ? '5' : 'gave up');
        if (got) await patient.unlock(name);
      });
      await untilQueued(5);
      const last = await javaIn('6');
      await lease.release();
      await Promise.all([...before, { served }, last].map((each) => each.served));
      expect(order).toEqual(['1', '2', '3', '4', '5', '6']);
    });

    it('released by this library, comes to Java when the place of a killed waiter is over', async () => {
      const lease = await locks.acquire(name, FAIR);
      await killedWaiter();
      const next = await javaIn('next');
      // Far before the end of the lease that Java has seen.
      await promptly(async () => {
        await lease.release();
        await next.served;
      });
    });

    it('released by Java, comes to Java when the place of a killed waiter of this library and the lease are over', async () => {
      const holder = thread('holder', shortJvm);
      await holder.lock(name);
      await killedWaiter();
      const next = await javaIn('next');
      await promptly(async () => {
        await holder.unlock(name);
        await next.served;
      });
    });

    it('comes to this library, and to Java behind it, when the place of a killed waiter of this library is over', async () => {
      await java.lock(name);
      await killedWaiter();
      const waiting = [await node('1'), await javaIn('2')];
      await promptly(async () => {
        await java.unlock(name);
        await Promise.all(waiting.map(({ served }) => served));
      });
      expect(order).toEqual(['1', '2']);
    });

    it.each(['Java', 'this library'])(
      'leaves nothing of a killed waiter behind when %s is the next caller',
      async (next) => {
        const lease = await locks.acquire(name, FAIR);
        await killedWaiter();
        await lease.release();
        expect(await (await admin(name)).pttl(`redisson_lock_queue:{${name}}`)).toBeGreaterThan(0);
        await waitUntil(
          'its place is over',
          async () => (await (await admin(name)).exists(`lock_places:{${name}}`)) === 0,
        );
        if (next === 'Java') {
          expect(await java.tryLock(name)).toBe(true);
          await java.unlock(name);
        } else await (await locks.acquire(name, { ...FAIR, wait: 0 })).release();
      },
    );

    it('comes to this library when the time of a killed waiter of Java is over', async () => {
      const holder = await locks.acquire(name, { ...FAIR, lease: SHORT_MS });
      await using doomed = await RedissonPeer.start(url, SHORT_MS, mode);
      void doomed
        .thread('one')
        .to('fair')
        .tryLock(name, { wait: 6_000 })
        .catch(() => undefined);
      await untilQueued(1);
      const next = await node('next', otherLocks);
      await doomed.kill();
      const [first] = await queue();
      const deadline = Number(await (await admin(name)).zscore(`redisson_lock_timeout:{${name}}`, first!));
      await holder.release();
      await next.served;
      expect(Date.now()).toBeGreaterThanOrEqual(deadline);
      expect(Date.now() - deadline).toBeLessThan(WELL_BEFORE_MS);
    }, 120_000);

    it('comes to the waiter of the other side when the lease of a killed holder is over', async () => {
      await using doomed = await RedissonPeer.start(url, SHORT_MS, mode);
      await doomed.thread(name).to('fair').lock(name);
      await using child = ChildScript.start('redisson/children/fair-caller.mjs', [
        JSON.stringify({ ...connection, lease: SHORT_MS }),
        name,
      ]);
      await untilQueued(1);
      await doomed.kill();
      await child.next('held');
      const javaGot = java.lock(name);
      await javaSleeps();
      await child.kill();
      await promptly(() => javaGot);
      await java.unlock(name);
    });

    it('is excluded by the plain lock of either side', async () => {
      const plain = jvm.thread(`${name} plain`);
      await plain.lock(name);
      expect(await locks.tryAcquire(name, { mode: 'fair' })).toBeNull();
      expect(await java.tryLock(name)).toBe(false);
      const next = await node('next');
      await plain.unlock(name);
      await next.served;
      const lease = await locks.acquire(name, { lease: SHORT_MS, renew: false });
      expect(await java.tryLock(name)).toBe(false);
      const javaGot = java.lock(name);
      await waitUntil('Java waits', async () => (await queue()).length === 1);
      expect(await lease.release()).toBe('released');
      // Redisson's waiters for a fair lock do not hear of others: they look again when the lease that they saw is over.
      await promptly(() => javaGot);
      await java.unlock(name);
    });

    it('notifies the waiter of the other side when an operator releases it', async () => {
      await java.lock(name);
      const first = await node('first');
      const second = await javaIn('second');
      await promptly(async () => {
        expect(await otherLocks.forceRelease(name)).toBe(true);
        await Promise.all([first.served, second.served]);
      });
      const lease = await locks.acquire(name, FAIR);
      const third = await javaIn('third');
      await promptly(async () => {
        expect(await java.forceUnlock(name)).toBe(true);
        await third.served;
      });
      expect(await lease.release()).toBe('lost');
    });

    it(`has one holder at a time, by a count outside of Redis (${String(SECTIONS)} sections of each caller)`, async () => {
      await using gauge = await Gauge.start();
      const sections = async (service: LockService): Promise<void> => {
        for (let n = 0; n < SECTIONS; n += 1) {
          await service.withLock(
            name,
            async (lease) => {
              gauge.change(1);
              await new Promise((resolve) => setImmediate(resolve));
              lease.assertHeld();
              gauge.change(-1);
            },
            { mode: 'fair', wait: Infinity },
          );
        }
      };
      await Promise.all([
        ...['1', '2', '3', '4'].map((label) =>
          thread(label).gaugedSections(name, { count: SECTIONS, weight: 1, gauge: gauge.port }),
        ),
        ...[locks, locks, otherLocks, otherLocks].map(sections),
      ]);
      expect(gauge.most).toBe(1);
      expect(gauge.changes).toBe(2 * 8 * SECTIONS);
    }, 600_000);
  });
}
