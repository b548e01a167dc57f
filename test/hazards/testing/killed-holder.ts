import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { ChildScript } from '../../support/child-script.js';
import { type Locks, type Subject } from '../../support/subjects.js';
import { redisClient, testRedisUrl, uniqueName } from '../../support/test-redis.js';
import { untilIdle } from '../../support/until-idle.js';

/** What happens when the process of a holder is killed. */
export function describeKilledHolder(subjects: readonly Subject[]): void {
  describe.each(subjects)('a holder of $label whose process is killed', (subject) => {
    let locks: Locks;
    let admin: Redis;
    let name: string;

    beforeAll(async () => {
      admin = redisClient();
      locks = await subject.connect({ url: testRedisUrl() });
    });
    beforeEach(() => {
      name = uniqueName('killed');
    });
    afterAll(async () => {
      await locks.close();
      admin.disconnect();
    });

    const killHolder = async (holdAtLeast = 0, leaseMs = 1_500): Promise<number> => {
      const args = [testRedisUrl(), name, String(leaseMs), String(holdAtLeast), subject.kind];
      const child = ChildScript.start('hazards/children/holder.mjs', args);
      const { token } = await child.next('held');
      await child.kill('SIGKILL');
      return token as number;
    };

    it('keeps the lock until its lease ends, and not longer', async () => {
      const token = await killHolder();
      const left = await subject.timeToLive(admin, name);
      const seenAt = performance.now();
      const next = await locks.acquire(name, { wait: 20_000 });
      const waited = performance.now() - seenAt;
      // Never before; and then without waiting for another round of anything.
      expect(waited).toBeGreaterThanOrEqual(left - 5);
      expect(waited).toBeLessThan(left + 5_000);
      expect(next.token).toBeGreaterThan(token);
      await next.release();
      await untilIdle(locks);
    });

    it('keeps the lock for `holdAtLeast`, although its lease is shorter', async () => {
      const startedAt = performance.now();
      await killHolder(6_000);
      const left = await subject.timeToLive(admin, name);
      expect(left).toBeGreaterThan(6_000 - (performance.now() - startedAt));
      await subject.lose(admin, name);
    });

    it('keeps its lock until the lease ends, even if a waiter gets "busy" before', async () => {
      await killHolder(0, 20_000);
      await expect(locks.acquire(name, { wait: 500 })).rejects.toMatchObject({ code: 'LOCK_BUSY' });
      expect(await admin.exists(subject.key(name))).toBe(1);
      await sleep(50);
      await untilIdle(locks);
    });

    it('is followed by all waiters, one after another, once the lease has ended', async () => {
      await killHolder();
      const order: number[] = [];
      await Promise.all([1, 2, 3].map((n) => locks.withLock(name, () => order.push(n), { wait: 20_000 })));
      expect(order).toEqual([1, 2, 3]);
      await untilIdle(locks);
    });
  });
}
