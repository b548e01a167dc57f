import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ChildScript } from '../../support/child-script.js';
import { type Locks, type Subject } from '../../support/subjects.js';
import { testRedisUrl, uniqueName } from '../../support/test-redis.js';
import { untilIdle } from '../../support/until-idle.js';
import { FencedResource } from '../../support/witness.js';

/** What happens when the process of a holder is suspended past its lease. */
export function describePausedHolder(subjects: readonly Subject[]): void {
  describe.each(subjects)('a holder of $label whose process is suspended past its lease', (subject) => {
    let locks: Locks;
    let name: string;

    beforeAll(async () => {
      locks = await subject.connect({ url: testRedisUrl() });
    });
    beforeEach(() => {
      name = uniqueName('paused');
    });
    afterAll(() => locks.close());

    const startHolder = async (lease = '700'): Promise<{ child: ChildScript; token: number }> => {
      const child = ChildScript.start('hazards/children/holder.mjs', [testRedisUrl(), name, lease, '0', subject.kind]);
      const { token } = await child.next('held');
      return { child, token: token as number };
    };

    it('loses the lock to the next holder, is notified when it continues, and cannot write with its old token', async () => {
      const resource = new FencedResource();
      const { child, token } = await startHolder();
      expect(resource.write(token, 'before the pause')).toBe(true);
      child.freeze();
      const next = await locks.acquire(name, { wait: 20_000 });
      expect(resource.write(next.token, 'by the next')).toBe(true);
      child.thaw();
      expect(await child.next('lost')).toMatchObject({ code: 'LOCK_LOST', reason: 'expired' });
      // It may have been about to write when it was stopped.
      expect(resource.write(token, 'stale')).toBe(false);
      expect(resource.written).toEqual(['before the pause', 'by the next']);
      next.assertHeld();
      await expect(next.release()).resolves.toBe('released');
      await child.kill();
      await untilIdle(locks);
    });

    it('cannot reacquire, renew or release the lock of the next holder', async () => {
      const { child } = await startHolder();
      child.freeze();
      const next = await locks.acquire(name, { wait: 20_000 });
      child.thaw();
      await child.next('lost');
      child.send({ type: 'use' });
      expect(await child.next('used')).toEqual({
        type: 'used',
        remaining: 0,
        assertHeld: 'LOCK_LOST',
        extend: 'LOCK_LOST',
        release: 'lost',
      });
      expect(await locks.isHeld(name)).toBe(true);
      await expect(next.release()).resolves.toBe('released');
      await child.kill();
    });

    it('detects the loss in its first statement after the pause', async () => {
      const { child } = await startHolder();
      child.send({ type: 'spin' });
      await child.next('spinning');
      child.freeze();
      const next = await locks.acquire(name, { wait: 20_000 });
      // The lease may have been nearly over when the pause began; the child takes 400 ms for a pause.
      await sleep(600);
      child.thaw();
      // The event loop of the child has not turned since: no timer of ours has run, only the clock can tell.
      const spun = await child.next('spun');
      expect(spun).toMatchObject({ assertHeld: 'LOCK_LOST', remaining: 0, aborted: true });
      await next.release();
      await child.kill();
    });

    it('keeps the lock if the pause was shorter than the lease', async () => {
      const { child, token } = await startHolder('5000');
      child.freeze();
      await expect(locks.acquire(name, { wait: 300 })).rejects.toMatchObject({ code: 'LOCK_BUSY' });
      child.thaw();
      child.send({ type: 'use' });
      expect(await child.next('used')).toMatchObject({ assertHeld: 'held', release: 'released' });
      const next = await locks.acquire(name);
      expect(next.token).toBeGreaterThan(token);
      await next.release();
      await child.kill();
    });
  });
}
