import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { LockLostError, type LockService } from 'nestjs-redis-lock';
import { waitUntil } from '../support/wait-until.js';
import type { Backend } from './backend.js';

/** Two services on the same state, and a name that no other test has. */
export interface Setting {
  readonly here: LockService;
  readonly there: LockService;
  readonly name: string;
  readonly backend: Backend;
}

/** Other kinds of locks have no owner and no token to inspect, no forced release, and one name in a call. */
export function itHasWhatOnlyExclusiveLocksHave(setting: () => Setting): void {
  let here: LockService;
  let there: LockService;
  let name: string;
  let backend: Backend;

  beforeEach(() => {
    ({ here, there, name, backend } = setting());
  });

  it('says which process holds a lock', async () => {
    const shop = await backend.open({ service: { name: 'shop', version: '1.2.0' } });
    const holder = { host: hostname(), pid: process.pid, service: 'shop', version: '1.2.0', since: expect.any(Date) };
    const lease = await shop.acquire(name);
    expect((await here.inspect(name)).holder).toEqual(holder);
    expect((await shop.inspect(name)).holder).toEqual(holder);
    const refused = await here.acquire(name, { wait: 500 }).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'LOCK_BUSY', reason: 'held', holder });
    expect((refused as Error).message).toContain(`is held by shop 1.2.0 on host ${hostname()}, pid ${process.pid};`);
    // That takes no request.
    await expect(shop.acquire(name, { wait: 0 })).rejects.toMatchObject({ code: 'LOCK_BUSY', holder });
    await expect(here.acquire(name, { wait: 0 })).rejects.toMatchObject({ code: 'LOCK_BUSY', holder: undefined });
    await lease.release();
    expect((await here.inspect(name)).holder).toBeUndefined();
  });

  it('says nothing of processes that do not want it', async () => {
    const secret = await backend.open({ service: false });
    const lease = await secret.acquire(name);
    expect(await here.inspect(name)).toMatchObject({ held: true, holder: undefined });
    await lease.release();
    const own = await here.acquire(name);
    expect(await secret.inspect(name)).toMatchObject({ held: true, holder: undefined });
    await expect(secret.acquire(name, { wait: 500 })).rejects.toMatchObject({ code: 'LOCK_BUSY', holder: undefined });
    await own.release();
  });

  it('inspects a lock', async () => {
    expect(await here.inspect(name)).toEqual({
      held: false,
      owner: undefined,
      holds: 0,
      remainingMs: undefined,
      token: undefined,
    });
    const lease = await here.acquire(name);
    const state = await there.inspect(name);
    expect(state).toMatchObject({ held: true, holds: 1, owner: expect.stringMatching(/^[0-9a-f-]{36}:\d+$/) });
    expect(state.remainingMs).toBeGreaterThan(0);
    expect(state.token).toBeGreaterThanOrEqual(lease.token);
    await lease.release();
    expect((await here.inspect(name)).token).toBe(state.token);
  });

  it('detects a forced release, and notifies the waiters', async () => {
    const short = await backend.open({ lease: 300 });
    const lease = await short.acquire(name);
    const waiting = there.acquire(name);
    await waitUntil('the other replica waits', () => there.stats().waiting === 1);
    await sleep(50);
    expect(await here.forceRelease(name)).toBe(true);
    const next = await waiting;
    await waitUntil('the first holder hears of it', () => lease.signal.aborted);
    expect(lease.signal.reason).toBeInstanceOf(LockLostError);
    await expect(lease.release()).resolves.toBe('lost');
    next.assertHeld();
    await next.release();
    expect(await here.forceRelease(name)).toBe(false);
  });

  describe('several names', () => {
    it('takes all of them, sorted, each once', async () => {
      const [a, b] = [`${name}:a`, `${name}:b`];
      await here.withLock([b, a, b], async (lease) => {
        expect(lease.names).toEqual([a, b]);
        expect(lease.tokenOf(a)).toBeGreaterThan(0);
        expect(lease.tokenOf('other')).toBeUndefined();
        expect(await there.tryAcquire(a)).toBeNull();
        expect(await there.tryAcquire(b)).toBeNull();
        lease.assertHeld();
      });
      expect((await there.inspect(a)).held).toBe(false);
      expect((await there.inspect(b)).held).toBe(false);
    });

    it('takes none if one of them is taken', async () => {
      const [a, b] = [`${name}:a`, `${name}:b`];
      const lease = await there.acquire(b);
      expect(await here.tryAcquire([a, b])).toBeNull();
      expect((await there.inspect(a)).held).toBe(false);
      await lease.release();
    });

    it('does not deadlock when two callers request them in opposite orders', async () => {
      const [a, b] = [`${name}:a`, `${name}:b`];
      const rounds = Array.from({ length: 10 }, (_, i) =>
        (i % 2 === 0 ? here : there).withLock(i % 2 === 0 ? [a, b] : [b, a], () => sleep(1)),
      );
      await expect(Promise.all(rounds)).resolves.toHaveLength(10);
    });

    it('releases the first ones at once if a later one is taken, even with holdAtLeast', async () => {
      const [a, b] = [`${name}:a`, `${name}:b`];
      const lease = await there.acquire(b);
      expect(await here.tryAcquire([a, b], { holdAtLeast: 60_000 })).toBeNull();
      expect((await there.inspect(a)).held).toBe(false);
      await lease.release();
      await here.withLock([a, b], () => undefined, { holdAtLeast: 300 });
      expect(await there.tryAcquire(a)).toBeNull();
      await there.withLock(a, () => undefined);
    });

    it('begins a fixed lease when all of them are acquired', async () => {
      const [a, b] = [`${name}:a`, `${name}:b`];
      const lease = await there.acquire(b);
      const both = here.acquire([a, b], { lease: 300, renew: false });
      await sleep(500);
      await lease.release();
      const multi = await both;
      multi.assertHeld();
      expect(multi.remaining()).toBeLessThanOrEqual(300);
      await waitUntil('the lease is over', () => multi.signal.aborted);
      await expect(multi.release()).resolves.toBe('lost');
    });
  });
}
