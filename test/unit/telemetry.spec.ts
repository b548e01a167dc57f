import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createLockService, MemoryState, type AcquireOptions, type LockService } from '../../lib/index.js';
import { channels } from '../../lib/telemetry/channels.js';
import { waitUntil } from '../support/wait-until.js';

describe('the diagnostics channels', () => {
  const seen: [what: string, message: Record<string, unknown>][] = [];
  const listeners = Object.entries(channels).map(([what, { name }]) => ({
    name: name as string,
    listener: (message: unknown) => void seen.push([what, message as Record<string, unknown>]),
  }));
  const told = (what: string) => seen.filter(([it]) => it === what).map(([, message]) => message);
  let state: MemoryState;
  let locks: LockService;

  beforeEach(() => {
    seen.length = 0;
    for (const { name, listener } of listeners) subscribe(name, listener);
    state = new MemoryState();
    locks = createLockService({ memory: state, lease: 300 });
  });
  afterEach(async () => {
    for (const { name, listener } of listeners) unsubscribe(name, listener);
    await locks.close();
  });

  it('report a grant and its release, with the times', async () => {
    const lease = await locks.acquire('a');
    expect(seen).toEqual([
      [
        'acquired',
        {
          name: 'a',
          mode: 'exclusive',
          token: lease.token,
          waitedMs: expect.any(Number),
          leaseMs: 300,
          remainingMs: expect.any(Number),
          handedOver: false,
        },
      ],
    ]);
    await lease.release();
    expect(told('released')).toEqual([
      { name: 'a', mode: 'exclusive', token: lease.token, outcome: 'released', heldMs: expect.any(Number) },
    ]);
    expect(told('released')[0]!.heldMs).toBeGreaterThanOrEqual(0);
  });

  it('distinguish a hand-over inside the process from a grant by the store', async () => {
    const first = await locks.acquire('a');
    const others = [locks.acquire('a'), locks.acquire('a')];
    expect(locks.waiting()).toEqual([{ name: 'a', waiting: 2 }]);
    await first.release();
    await (await others[0]!).release();
    await (await others[1]!).release();
    expect(locks.waiting()).toEqual([]);
    expect(() => locks.waitLines()).toThrow('"waitLines()" is replaced by "waiting()"');
    const grants = told('acquired');
    // The first reserved one token: nobody waited then. The second reserves more, for the third.
    expect(grants.map(({ handedOver }) => handedOver)).toEqual([false, false, true]);
    expect(grants[2]!.token).toBe((grants[1]!.token as number) + 1);
  });

  it("report a grant and a release in the async context of the lock's caller", async () => {
    const storage = new AsyncLocalStorage<string>();
    const contexts: unknown[] = [];
    const note = (): void => void contexts.push(storage.getStore());
    for (const { name } of [channels.acquired, channels.released]) subscribe(name, note);
    try {
      const cycle = (): Promise<void> => locks.withLock('a', () => sleep(5));
      await Promise.all(['one', 'two', 'three'].map((each) => storage.run(each, cycle)));
    } finally {
      for (const { name } of [channels.acquired, channels.released]) unsubscribe(name, note);
    }
    expect(contexts).toEqual(['one', 'one', 'two', 'two', 'three', 'three']);
  });

  it('report a refusal in the async context of the rejected caller', async () => {
    const storage = new AsyncLocalStorage<string>();
    const contexts: unknown[] = [];
    const again: Promise<unknown>[] = [];
    const note = (): void => {
      contexts.push(storage.getStore());
      // Who asks again at once must not get in the way of those who are refused along with it.
      if (again.length < 3) again.push(locks.acquire('a', { wait: 0 }).catch(() => undefined));
    };
    const holder = await locks.acquire('a');
    const controller = new AbortController();
    subscribe(channels.refused.name, note);
    try {
      const wait = (options: AcquireOptions) => locks.acquire('a', options).catch(() => undefined);
      const waiting = [
        storage.run('one', () => wait({ wait: 20 })),
        storage.run('two', () => wait({ signal: controller.signal })),
        storage.run('three', () => wait({ wait: 0 })),
      ];
      controller.abort();
      await Promise.all(waiting);
      await Promise.all(again);
    } finally {
      unsubscribe(channels.refused.name, note);
      await holder.release();
    }
    expect([...new Set(contexts)].sort()).toEqual(['one', 'three', 'two']);
  });

  it('report renewals and extensions', async () => {
    const lease = await locks.acquire('a');
    await waitUntil('the lease is renewed', () => told('renewed').length > 0);
    expect(told('renewed')[0]).toEqual({ name: 'a', mode: 'exclusive', token: lease.token, leaseMs: 300 });
    await lease.extend(5_000);
    expect(told('renewed')).toContainEqual({ name: 'a', mode: 'exclusive', token: lease.token, leaseMs: 5_000 });
    await lease.release();
  });

  it('report a lost lock once, with the reason', async () => {
    const lease = await locks.acquire('a', { lease: 40, renew: false });
    await waitUntil('the lease is over', () => lease.signal.aborted);
    expect(told('lost')).toEqual([{ name: 'a', mode: 'exclusive', token: lease.token, reason: 'expired' }]);
    await lease.release();
    expect(told('released')).toMatchObject([{ outcome: 'lost' }]);
    expect(told('lost')).toHaveLength(1);
  });

  it('report a loss that only the release detects', async () => {
    const lease = await locks.acquire('a', { label: 'orders' });
    await locks.forceRelease('a');
    expect(await lease.release()).toBe('lost');
    const call = { name: 'a', label: 'orders', mode: 'exclusive', token: lease.token };
    expect(told('lost')).toEqual([{ ...call, reason: 'taken' }]);
    expect(told('released')).toEqual([{ ...call, outcome: 'lost', heldMs: expect.any(Number) }]);
  });

  it('report a caller that did not get the lock, with the error', async () => {
    const lease = await locks.acquire('a');
    const error: unknown = await locks.acquire('a', { wait: 0 }).catch((reason: unknown) => reason);
    expect(told('refused')).toEqual([{ name: 'a', mode: 'exclusive', waitedMs: expect.any(Number), error }]);
    expect(error).toMatchObject({ code: 'LOCK_BUSY' });
    await lease.release();
  });

  it('keep mutual exclusion if a subscriber releases the reported lease again', async () => {
    const first = await locks.acquire('again');
    const waiting = [1, 2, 3, 4].map(() => locks.acquire('again'));
    await first.release();
    const second = await waiting[0]!;
    const outcomes: Promise<unknown>[] = [];
    const again = (): void => void outcomes.push(second.release());
    subscribe(channels.released.name, again);
    outcomes.push(second.release());
    await outcomes.at(-1);
    unsubscribe(channels.released.name, again);
    const third = await waiting[1]!;
    expect(third.token).toBeGreaterThan(second.token);
    expect(locks.stats()).toMatchObject({ held: 1, waiting: 2 });
    expect(await Promise.all(outcomes)).toEqual(['released', 'released']);
    await third.release();
    for (const next of waiting.slice(2)) await (await next).release();
  });

  it('report the label and the mode of each call', async () => {
    const lease = await locks.acquire('a', { label: 'letters' });
    await locks.acquire('a', { wait: 0, label: 'impatient' }).catch(() => undefined);
    const next = locks.acquire('a', { label: 'next' });
    await waitUntil('the lease is renewed', () => told('renewed').length > 0);
    await lease.release();
    const lost = await next;
    await locks.forceRelease('a');
    await waitUntil('the loss is detected', () => lost.signal.aborted);
    await lost.release();
    expect(seen.map(([what, { label, mode }]) => [what, label, mode])).toEqual([
      ['acquired', 'letters', 'exclusive'],
      ['refused', 'impatient', 'exclusive'],
      ...told('renewed').map(() => ['renewed', 'letters', 'exclusive']),
      ['released', 'letters', 'exclusive'],
      ['acquired', 'next', 'exclusive'],
      ['lost', 'next', 'exclusive'],
      ['released', 'next', 'exclusive'],
    ]);
  });

  it('report what a call is about by its mode', async () => {
    for (const mode of ['fair', 'read', 'write'] as const) {
      await locks.withLock(mode, () => undefined, { mode });
    }
    await locks.semaphore('permits', { permits: 2 }).withPermit(() => undefined, { label: 'pool' });
    const latch = locks.latch('closed');
    await latch.trySetCount(1);
    await latch.wait({ wait: 0, label: 'start' }).catch(() => undefined);
    expect(seen.map(([what, { label, mode }]) => [what, label, mode])).toEqual([
      ...['fair', 'read', 'write'].flatMap((mode) => [
        ['acquired', undefined, mode],
        ['released', undefined, mode],
      ]),
      ['acquired', 'pool', 'semaphore'],
      ['released', 'pool', 'semaphore'],
      ['refused', 'start', 'latch'],
    ]);
  });

  it('report a loss once for each caller that reads, with its label', async () => {
    const options = { mode: 'read', lease: 300 } as const;
    const one = await locks.acquire('a', { ...options, label: 'one' });
    const two = await locks.acquire('a', { ...options, label: 'two' });
    await locks.forceRelease('a');
    await waitUntil('the loss is detected', () => one.signal.aborted && two.signal.aborted);
    expect(told('lost').map(({ label }) => label)).toEqual(['one', 'two']);
    await Promise.all([one.release(), two.release()]);
  });

  it('report each of several locks with its own label, or that of the call', async () => {
    const names = [{ name: 'b', label: 'of b' }, 'a'];
    await locks.withLock(names, () => undefined, { label: 'both' });
    expect(told('acquired').map(({ name, label }) => [name, label])).toEqual([
      ['a', 'both'],
      ['b', 'of b'],
    ]);
    const wrong = [{ name: 'b', label: '' }];
    await expect(locks.acquire(wrong)).rejects.toThrow('"label" must be a string of 1 to 100 characters');
  });

  it('do not report a nested call that joins its lease', async () => {
    await locks.withLock('a', () => locks.withLock('a', () => undefined));
    expect(seen.map(([what]) => what)).toEqual(['acquired', 'released']);
  });
});
