import { AsyncResource } from 'node:async_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { connectLockService, currentLease, type Lease, type LockService } from 'nestjs-redis-lock';
import { testRedisUrl, uniqueName } from '../support/test-redis.js';
import { untilIdle } from '../support/until-idle.js';
import { waitUntil } from '../support/wait-until.js';

describe('a call inside a section', () => {
  let locks: LockService;
  let others: LockService;
  let name: string;

  beforeEach(async () => {
    locks = await connectLockService({ url: testRedisUrl() });
    others = await connectLockService({ url: testRedisUrl() });
    name = uniqueName('re-entry');
  });
  afterEach(async () => {
    await untilIdle(locks, others);
    await locks.close();
    await others.close();
  });

  it('joins through timers, promises and callbacks, at any depth', async () => {
    const deeper = (level: number): Promise<number> =>
      locks.withLock(name, async ({ token }) => {
        await sleep(1);
        return level === 0 ? token : deeper(level - 1);
      });
    await locks.withLock(name, async ({ token }) => {
      await expect(deeper(20)).resolves.toBe(token);
      const inTimer = new Promise<number>((resolve) => {
        setTimeout(() => void locks.withLock(name, (lease) => resolve(lease.token)), 1);
      });
      await expect(inTimer).resolves.toBe(token);
    });
  });

  it('with another service or another name does not join', async () => {
    await locks.withLock(name, async ({ token }) => {
      expect(await others.tryAcquire(name)).toBeNull();
      const other = await locks.acquire(`${name}:other`);
      expect(other.token).not.toBe(token);
      await other.release();
    });
  });

  it('does not join from a task that began before the section and runs during it', async () => {
    const outside = new AsyncResource('outside');
    await locks.withLock(name, async () => {
      expect(await outside.runInAsyncScope(() => locks.tryAcquire(name))).toBeNull();
      expect(outside.runInAsyncScope(() => currentLease())).toBeUndefined();
    });
  });

  it('beside another section never joins that section', async () => {
    let inside = 0;
    let most = 0;
    const task = async (): Promise<void> => {
      await locks.withLock(name, async () => {
        inside += 1;
        most = Math.max(most, inside);
        await locks.withLock(name, () => sleep(2));
        inside -= 1;
      });
    };
    await Promise.all([task(), task(), task()]);
    expect(most).toBe(1);
  });

  it('does not join an `acquire` without a section', async () => {
    const lease = await locks.acquire(name);
    expect(await locks.tryAcquire(name)).toBeNull();
    expect(currentLease()).toBeUndefined();
    await lease.release();
  });

  it('that is not awaited keeps the lock until it ends, with the same signal', async () => {
    let inner: Promise<void> | undefined;
    let innerLease: Lease | undefined;
    let finish = (): void => undefined;
    const gate = new Promise<void>((resolve) => (finish = resolve));
    await locks.withLock(name, async ({ signal }) => {
      inner = locks.withLock(name, async (lease) => {
        innerLease = lease;
        expect(lease.signal).toBe(signal);
        await gate;
      });
      await waitUntil('it runs', () => innerLease !== undefined);
    });
    expect(await others.tryAcquire(name)).toBeNull();
    innerLease!.assertHeld();
    finish();
    await inner;
    await (await others.acquire(name)).release();
  });

  it('after the end of the section waits like any other', async () => {
    let late: Promise<Lease | null> | undefined;
    let go = (): void => undefined;
    const gate = new Promise<void>((resolve) => (go = resolve));
    await locks.withLock(name, () => {
      late = gate.then(() => locks.tryAcquire(name));
    });
    const holder = await others.acquire(name);
    go();
    expect(await late).toBeNull();
    await holder.release();
  });

  it('after the loss of the lock waits, too, and does not join', async () => {
    await locks.withLock(
      name,
      async (lease) => {
        await waitUntil('it is lost', () => lease.signal.aborted);
        const holder = await others.acquire(name);
        expect(await locks.tryAcquire(name)).toBeNull();
        await holder.release();
        await locks.withLock(name, ({ token }) => expect(token).toBeGreaterThan(holder.token));
      },
      { lease: 100, renew: false },
    );
  });

  it("with `nested: 'refuse'` is rejected at once, and the section keeps its lock", async () => {
    await locks.withLock(name, async (lease) => {
      const nested = locks.withLock(name, () => 'ran', { nested: 'refuse', wait: Infinity });
      await expect(nested).rejects.toMatchObject({ code: 'LOCK_BUSY', reason: 'nested', waitedMs: 0 });
      lease.assertHeld();
      expect((await others.inspect(name)).held).toBe(true);
    });
    expect((await others.inspect(name)).held).toBe(false);
  });

  it('returns the lease of the innermost section, or that of the named lock', async () => {
    await locks.withLock(name, async (outer) => {
      await locks.withLock(`${name}:inner`, (inner) => {
        expect(currentLease()?.token).toBe(inner.token);
        expect(currentLease(name)?.token).toBe(outer.token);
        expect(currentLease('another')).toBeUndefined();
      });
      expect(currentLease()?.token).toBe(outer.token);
    });
    expect(currentLease()).toBeUndefined();
  });
});
