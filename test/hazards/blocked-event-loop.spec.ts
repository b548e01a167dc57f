import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { connectLockService, LockLostError, type LockService } from 'nestjs-redis-lock';
import { ChildScript } from '../support/child-script.js';
import { testRedisUrl, uniqueName } from '../support/test-redis.js';
import { untilIdle } from '../support/until-idle.js';
import { waitUntil } from '../support/wait-until.js';

/** Nothing else runs meanwhile: no timer, no reply. */
function block(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

describe('a blocked event loop', () => {
  const url = testRedisUrl();
  let locks: LockService;
  let name: string;

  beforeEach(async () => {
    locks = await connectLockService({ url, lease: 600 });
    name = uniqueName('blocked');
  });
  afterEach(() => locks.close());

  it('past the lease makes the lease lost in the next statement, before any timer fires', async () => {
    const lease = await locks.acquire(name);
    block(700);
    expect(lease.remaining()).toBe(0);
    expect(() => lease.assertHeld()).toThrow(LockLostError);
    expect(lease.signal.aborted).toBe(true);
    expect(lease.signal.reason).toMatchObject({ code: 'LOCK_LOST', reason: 'expired', token: lease.token });
    await expect(lease.release()).resolves.toBe('lost');
    await untilIdle(locks);
  });

  it('past the lease aborts the signal afterwards, even if the section does not check its lease', async () => {
    const lease = await locks.acquire(name);
    const { signal } = lease;
    block(700);
    expect(signal.aborted).toBe(false);
    await waitUntil('the signal aborts', () => signal.aborted);
    expect(signal.reason).toBeInstanceOf(LockLostError);
    await lease.release();
    await untilIdle(locks);
  });

  it('for less than the lease keeps the lock', async () => {
    // A busy machine makes each block longer: half of the lease is left for that.
    await using patient = await connectLockService({ url, lease: 3_000 });
    const lease = await patient.acquire(name);
    for (let round = 0; round < 3; round += 1) {
      block(1_500);
      await new Promise((resolve) => setTimeout(resolve, 60));
      lease.assertHeld();
    }
    await expect(lease.release()).resolves.toBe('released');
    await untilIdle(patient);
  });

  it('makes a grant void that is read after its lease has ended', async () => {
    await using child = ChildScript.start('hazards/children/late-grant.mjs', [url, name]);
    const result = await child.next('result');
    // Granted by Redis while the loop was blocked for longer than the lease: what counts is what the caller was told.
    expect(['got a valid lease', 'LOCK_UNAVAILABLE', 'LOCK_BUSY']).toContain(result.outcome);
    expect(await child.next('idle')).toMatchObject({ held: false });
    child.endInput();
    expect(await child.exited).toMatchObject({ code: 0, stderr: '' });
  });

  it('does not hand over a lock whose lease has ended', async () => {
    await using others = await connectLockService({ url });
    const lease = await locks.acquire(name);
    const waiting = locks.acquire(name, { wait: 20_000 });
    block(700);
    const next = others.acquire(name, { wait: 20_000 });
    await lease.release();
    const both = await Promise.all([
      waiting.then(async (mine) => {
        mine.assertHeld();
        await mine.release();
        return mine.token;
      }),
      next.then(async (theirs) => {
        theirs.assertHeld();
        await theirs.release();
        return theirs.token;
      }),
    ]);
    expect(Math.min(...both)).toBeGreaterThan(lease.token);
    expect(new Set(both).size).toBe(2);
    await untilIdle(locks, others);
  });
});
