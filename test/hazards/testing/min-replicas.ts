import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { LockUnavailableError, type LockSettings } from 'nestjs-redis-lock';
import { commandsBetween, commandStats } from '../../support/command-stats.js';
import { describeEachWithRedisServer } from '../../support/redis-server.js';
import { ReplicatedRedis } from '../../support/replicated-redis.js';
import { type Locks, type Subject } from '../../support/subjects.js';
import { uniqueName } from '../../support/test-redis.js';
import { untilIdle } from '../../support/until-idle.js';
import { waitUntil } from '../../support/wait-until.js';

/** What `minReplicas` promises. */
export function describeMinReplicas(subjects: readonly Subject[]): void {
  describeEachWithRedisServer(subjects, 'minReplicas for $label', (subject) => {
    let set: ReplicatedRedis;
    let admin: Redis;
    let name: string;

    beforeEach(async () => {
      set = await ReplicatedRedis.start(2);
      admin = set.master.client();
      // A replica gets the stream of writes only after its first acknowledgement, which may take it a second.
      await admin.set('first', 1);
      expect(await admin.wait(2, 20_000)).toBe(2);
      name = uniqueName('replicas');
    });
    afterEach(() => set.stop());

    const open = (settings: LockSettings = {}): Promise<Locks> => subject.connect({ url: set.url, ...settings });
    const onReplicas = async (): Promise<number> => {
      const found = await Promise.all(set.replicas.map((replica) => replica.client().exists(subject.key(name))));
      return found.reduce((sum, one) => sum + one, 0);
    };

    it('grants a lock once the replicas have acknowledged it', async () => {
      await using locks = await open({ minReplicas: 2 });
      await locks.withLock(name, async ({ token }) => {
        expect(token).toBeGreaterThan(0);
        expect(await onReplicas()).toBe(2);
      });
      await untilIdle(locks);
      expect(await admin.exists(subject.key(name))).toBe(0);
    });

    it('releases a lock that too few replicas acknowledged, and reports their number', async () => {
      await using locks = await open({ commandTimeout: 2_000 });
      set.replicas[0]!.freeze();
      const error: unknown = await locks.acquire(name, { wait: 0, minReplicas: 2 }).catch((e: unknown) => e);
      expect(error).toBeInstanceOf(LockUnavailableError);
      expect(error).toMatchObject({ lockName: name, retryable: true, outcomeUnknown: false });
      expect((error as Error).message).toContain('1 of the 2 replicas');
      expect(await locks.isHeld(name)).toBe(false);
      const lease = await locks.acquire(name, { wait: 0, minReplicas: 1 });
      await lease.release();
      await untilIdle(locks);
      set.replicas[0]!.thaw();
    });

    it('delays no other caller while one waits for more replicas than exist', async () => {
      await using locks = await open({ commandTimeout: 4_000, minReplicas: 2 });
      await locks.withLock(name, () => undefined);
      const doomed = locks.acquire(`${name}:doomed`, { minReplicas: 9, wait: 0 }).catch((error: unknown) => error);
      let sections = 0;
      const others = (async () => {
        for (; sections < 10; sections += 1) await locks.withLock(name, () => undefined);
      })();
      const first = await Promise.race([doomed, others]);
      expect({ first, sections }).toEqual({ first: undefined, sections: 10 });
      expect(await doomed).toMatchObject({ code: 'LOCK_UNAVAILABLE' });
      await untilIdle(locks);
    });

    it('retries within `wait`, and gets the lock once the replica is back', async () => {
      await using locks = await open({ commandTimeout: 300 });
      set.replicas[0]!.freeze();
      const waiting = locks.acquire(name, { wait: Infinity, minReplicas: 2 });
      let tries = 0;
      await waitUntil('it was tried more than once', async () => {
        const before = tries;
        tries = (await commandStats(admin)).get('wait') ?? 0;
        return before > 0 && tries > before;
      });
      expect(locks.stats().waiting).toBe(1);
      set.replicas[0]!.thaw();
      const lease = await waiting;
      expect(await onReplicas()).toBe(2);
      await expect(lease.release()).resolves.toBe('released');
      await untilIdle(locks);
    });

    it('treats a renewal that too few replicas acknowledged as failed, without shortening the lease', async () => {
      await using locks = await open({ lease: 3_000, commandTimeout: 200, minReplicas: 2 });
      const lease = await locks.acquire(name);
      await sleep(1_200);
      lease.assertHeld();
      set.replicas[1]!.freeze();
      await expect(lease.extend(3_000)).rejects.toMatchObject({ code: 'LOCK_UNAVAILABLE', retryable: true });
      expect(await admin.exists(subject.key(name))).toBe(1);
      lease.assertHeld();
      set.replicas[1]!.thaw();
      await waitUntil('a renewal succeeds', () =>
        lease.extend(3_000).then(
          () => true,
          () => false,
        ),
      );
      lease.assertHeld();
      await expect(lease.release()).resolves.toBe('released');
      await untilIdle(locks);
    });

    it('counts a shorter lease that too few replicas acknowledged, since the master has it', async () => {
      await using locks = await open({ commandTimeout: 200, minReplicas: 2 });
      const lease = await locks.acquire(name, { lease: 30_000, renew: false });
      set.replicas[1]!.freeze();
      await expect(lease.extend(5_000)).rejects.toMatchObject({ code: 'LOCK_UNAVAILABLE', outcomeUnknown: true });
      expect(await subject.timeToLive(admin, name)).toBeGreaterThanOrEqual(lease.remaining());
      set.replicas[1]!.thaw();
      await lease.release();
      await untilIdle(locks);
    });

    it('ends a lease at its deadline if too few replicas acknowledge its renewals', async () => {
      await using locks = await open({ lease: 1_500, commandTimeout: 200, minReplicas: 2 });
      const lease = await locks.acquire(name);
      set.replicas[1]!.freeze();
      await waitUntil('the lease is lost', () => lease.signal.aborted);
      expect(lease.signal.reason).toMatchObject({ code: 'LOCK_LOST', reason: 'expired' });
      set.replicas[1]!.thaw();
      await lease.release();
      await untilIdle(locks);
    });

    it('needs few WAITs for a hundred locks at once', async () => {
      await using locks = await open({ minReplicas: 1 });
      const names = Array.from({ length: 100 }, () => uniqueName('many'));
      const before = await commandStats(admin);
      await Promise.all(names.map((each) => locks.withLock(each, () => undefined)));
      const counts = commandsBetween(before, await commandStats(admin));
      expect(counts.get('wait')).toBeLessThanOrEqual(5);
      await untilIdle(locks);
    });

    it('does not delay plain locks behind a WAIT', async () => {
      await using locks = await open({ commandTimeout: 4_000 });
      for (const replica of set.replicas) replica.freeze();
      let over = false;
      const slow = locks.acquire(name, { wait: 0, minReplicas: 1 }).catch((e: unknown) => e);
      void slow.then(() => (over = true));
      await waitUntil('the WAIT is under way', async () => String(await admin.client('LIST')).includes('cmd=wait'));
      for (let round = 0; round < 20; round += 1) await locks.withLock(`${name}:plain`, () => undefined);
      expect(over).toBe(false);
      for (const replica of set.replicas) replica.thaw();
      const lease = await slow;
      await (lease as { release?: () => Promise<unknown> }).release?.();
      await untilIdle(locks);
    });

    it('gives each caller the result for its own number of replicas', async () => {
      await using locks = await open({ commandTimeout: 3_000 });
      set.replicas[0]!.freeze();
      const outcomes = await Promise.all(
        [1, 2, 1, 2].map((minReplicas, index) =>
          locks.acquire(`${name}:${index}`, { wait: 0, minReplicas }).then(
            (lease) => lease.release(),
            (error: unknown) => (error as LockUnavailableError).code,
          ),
        ),
      );
      expect(outcomes).toEqual(['released', 'LOCK_UNAVAILABLE', 'released', 'LOCK_UNAVAILABLE']);
      set.replicas[0]!.thaw();
      await untilIdle(locks);
    });

    it('applies to a caller that gets the lock from one without minReplicas by a hand-over', async () => {
      await using locks = await open({ handOverTime: 60_000 });
      const first = await locks.acquire(name);
      let end: () => void = () => undefined;
      const plain = locks.withLock(name, () => new Promise<void>((resolve) => (end = resolve)));
      // Two wait, so the next hold has a token for each: it is passed on without going back to Redis.
      const wanting = locks.withLock(name, onReplicas, { minReplicas: 2, wait: Infinity });
      await first.release();
      await waitUntil('the plain one is inside', () => locks.stats().held === 1 && locks.stats().waiting === 1);
      for (const replica of set.replicas) replica.freeze();
      end();
      await plain;
      await sleep(200);
      expect(locks.stats()).toMatchObject({ held: 0, waiting: 1 });
      for (const replica of set.replicas) replica.thaw();
      expect(await wanting).toBe(2);
      await untilIdle(locks);
    });

    it('sends WAIT again when the server had lost the script, which was then sent after the WAIT', async () => {
      await using locks = await open();
      await locks.withLock(name, () => undefined, { minReplicas: 2 });
      await admin.script('FLUSH');
      const seen: string[] = [];
      const monitor = await set.master.client().monitor();
      monitor.on('monitor', (_time: string, [command]: string[]) => seen.push(command!.toLowerCase()));
      await locks.withLock(name, async () => expect(await onReplicas()).toBe(2), { minReplicas: 2 });
      await waitUntil('the monitor has seen the release', () => seen.filter((each) => each === 'eval').length === 2);
      monitor.disconnect();
      const taking = seen.slice(0, seen.lastIndexOf('eval'));
      expect(taking.lastIndexOf('wait')).toBeGreaterThan(taking.indexOf('eval'));
      await untilIdle(locks);
    });

    it('leaves no lock behind when its connection is closed', async () => {
      await using locks = await open({ commandTimeout: 3_000 });
      for (const replica of set.replicas) replica.freeze();
      const failing = locks.acquire(name, { wait: 0, minReplicas: 1 }).catch((e: unknown) => e);
      const id = await waitUntil('the WAIT is under way', async () => {
        const line = String(await admin.client('LIST'))
          .split('\n')
          .find((each) => each.includes('cmd=wait'));
        return /id=(\d+)/.exec(line ?? '')?.[1];
      });
      await admin.client('KILL', 'ID', id!);
      expect(await failing).toMatchObject({ code: 'LOCK_UNAVAILABLE', outcomeUnknown: true });
      await untilIdle(locks);
      expect(await admin.exists(subject.key(name))).toBe(0);
      for (const replica of set.replicas) replica.thaw();
    });
  });
}
