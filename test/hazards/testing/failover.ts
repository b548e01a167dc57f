import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { type LockSettings } from 'nestjs-redis-lock';
import { describeWithRedisServer, type RedisServer } from '../../support/redis-server.js';
import { SentinelSet } from '../../support/sentinel-set.js';
import { EXCLUSIVE, type Locks } from '../../support/subjects.js';
import { uniqueName } from '../../support/test-redis.js';
import { untilIdle } from '../../support/until-idle.js';
import { waitUntil } from '../../support/wait-until.js';

/** A service counts a request to a lost master as unsettled until the lease that it asked for would be over. */
const SHORT_MS = 5_000;

/** What happens to the master, and what brings it back where that takes a command. */
interface Fate {
  readonly lose: (master: RedisServer) => Promise<void> | void;
  readonly recover: (master: RedisServer) => void;
}

export function describeFailover(after: string, { lose, recover }: Fate, subject = EXCLUSIVE): void {
  describeWithRedisServer(`${subject.label} in a failover by Sentinel after ${after}`, () => {
    let set: SentinelSet;
    let name: string;

    beforeEach(async () => {
      set = await SentinelSet.start({ replicas: 1 });
      name = uniqueName('failover');
    });
    afterEach(() => set.stop());

    const open = (more: LockSettings = {}): Promise<Locks> =>
      subject.connect({ redis: { sentinels: set.sentinels, name: set.name }, ...more });

    it('serves callers again within `wait`', async () => {
      await using locks = await open({ lease: SHORT_MS });
      const before = await locks.acquire(name);
      await before.release();
      const old = await set.master();
      await lose(old);
      const lease = await locks.acquire(name, { wait: 25_000 });
      expect(lease.token).toBeGreaterThan(before.token);
      await expect(lease.release()).resolves.toBe('released');
      recover(old);
      await untilIdle(locks);
    });

    it('keeps a lock that was replicated', async () => {
      await using locks = await open({ lease: 20_000 });
      await using others = await open({ lease: SHORT_MS });
      const lease = await locks.acquire(name);
      await waitUntil('the replica has it', async () => {
        const [replica] = await set.replicas();
        return (await replica!.client().exists(subject.key(name))) === 1;
      });
      const old = await set.master();
      await lose(old);
      await waitUntil('the lock can be seen again', () => others.isHeld(name).catch(() => false));
      expect(
        await waitUntil('somebody tries', () =>
          others.tryAcquire(name).then(
            (got) => got ?? 'taken',
            () => '',
          ),
        ),
      ).toBe('taken');
      await waitUntil('it was renewed', () =>
        lease.extend(20_000).then(
          () => true,
          () => false,
        ),
      );
      lease.assertHeld();
      await expect(lease.release()).resolves.toBe('released');
      recover(old);
      await untilIdle(locks, others);
    });

    it('notifies the waiters', async () => {
      // The holder's lease is so long that only a notice, or another look after the failover, can end the waiting.
      await using holder = await open({ lease: 60_000 });
      await using locks = await open({ lease: SHORT_MS });
      const lease = await holder.acquire(name);
      await waitUntil('the replica has it', async () => {
        const [replica] = await set.replicas();
        return (await replica!.client().exists(subject.key(name))) === 1;
      });
      const waiting = locks.acquire(name, { wait: Infinity });
      await waitUntil('it waits', () => locks.stats().waiting === 1);
      await sleep(100);
      const old = await set.master();
      await lose(old);
      await set.untilNewMaster(old);
      await lease.release();
      const next = await waiting;
      expect(next.token).toBeGreaterThan(lease.token);
      await next.release();
      recover(old);
      await untilIdle(holder, locks);
    });
  });
}
