import { describe, expect, it } from '@jest/globals';
import { createLockService, type LockService } from '../../lib/index.js';

/** How many names the service has in mind. */
function known(locks: LockService): number {
  const leases = Reflect.get(locks, 'leases') as object;
  const { lock } = Reflect.get(leases, 'queues') as { lock: { queues: ReadonlyMap<string, unknown> } };
  return lock.queues.size;
}

async function useOnce(locks: LockService, names: number): Promise<void> {
  for (let n = 0; n < names; n += 1) await locks.withLock(`once:${n}`, () => undefined);
}

describe('local queues without waiters', () => {
  it('are kept for a while, in limited number', async () => {
    await using locks = createLockService({ memory: true });
    await useOnce(locks, 100);
    expect(known(locks)).toBe(100);
    await useOnce(locks, 1_000);
    expect(known(locks)).toBe(128);
  });

  it('are the only ones that are removed', async () => {
    await using locks = createLockService({ memory: true });
    await locks.withLock('kept', () => undefined);
    // Idle until now, and so the first to be forgotten if it still counted as that.
    const lease = await locks.acquire('kept');
    const waiting = locks.acquire('kept');
    await useOnce(locks, 3_000);
    expect(await lease.release()).toBe('released');
    const next = await waiting;
    expect(next.token).toBeGreaterThan(lease.token);
    expect(await next.release()).toBe('released');
  });

  it('start again without the status of their last holder', async () => {
    await using locks = createLockService({ memory: true });
    await Promise.all(Array.from({ length: 50 }, () => locks.withLock('busy', () => undefined)));
    await using lease = await locks.acquire('busy');
    // No tokens are reserved for callers who were here before.
    expect(await locks.inspect('busy')).toMatchObject({ token: lease.token });
  });
});
