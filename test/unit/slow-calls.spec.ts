import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  createLockService,
  LeaderElection,
  lockChannels,
  MemoryState,
  type LockService,
  type LockServiceOptions,
  type SlowMessage,
} from '../../lib/index.js';
import { waitUntil } from '../support/wait-until.js';

describe('warnAfter', () => {
  const storage = new AsyncLocalStorage<string>();
  let lines: string[];
  let told: SlowMessage[];
  let contexts: unknown[];
  let locks: LockService;
  const listener = (message: unknown): void => {
    told.push(message as SlowMessage);
    contexts.push(storage.getStore());
  };
  const state = new MemoryState();
  const self = expect.objectContaining({ pid: process.pid, service: 'shop' });
  const serviceWith = (warnAfter?: LockServiceOptions['warnAfter']): LockService => {
    const logger = { warn: (line: string) => lines.push(line) };
    return (locks = createLockService({
      memory: state,
      service: { name: 'shop', version: '2' },
      logger,
      ...(warnAfter === undefined ? {} : { warnAfter }),
    }));
  };

  beforeEach(() => {
    lines = [];
    told = [];
    contexts = [];
    subscribe(lockChannels.slow, listener);
  });
  afterEach(async () => {
    unsubscribe(lockChannels.slow, listener);
    await locks.close();
  });

  it('reports a lease that is held for longer, once, in the async context of its caller', async () => {
    serviceWith({ held: 20 });
    const lease = await storage.run('caller', () => locks.acquire('order:7', { label: 'order' }));
    await waitUntil('it is reported', () => told.length > 0);
    await sleep(60);
    expect(told).toEqual([{ name: 'order:7', label: 'order', mode: 'exclusive', reason: 'held', ms: 20 }]);
    expect(lines).toEqual([expect.stringContaining('Lock "order:7" ("order") has been held for 20 ms')]);
    expect(contexts).toEqual(['caller']);
    await lease.release();
  });

  it('reports a caller that waits for longer, once, in its async context', async () => {
    serviceWith({ waited: 20 });
    const lease = await locks.acquire('a');
    const waiting = ['one', 'two'].map((each) => storage.run(each, () => locks.acquire('a', { label: each })));
    await waitUntil('both are reported', () => told.length === 2);
    await sleep(60);
    expect(told).toEqual(
      ['one', 'two'].map((label) => ({ name: 'a', label, mode: 'exclusive', reason: 'waited', ms: 20, holder: self })),
    );
    expect(lines[0]).toContain(
      `A caller has waited 20 ms for lock "a" ("one"), which is held by shop 2 on host ${hostname()}`,
    );
    expect(lines[0]).toContain('2 callers of this process wait for it');
    expect(contexts).toEqual(['one', 'two']);
    await lease.release();
    for (const each of waiting) await (await each).release();
  });

  it('reports neither what ends sooner, nor what is lost before', async () => {
    serviceWith({ held: 1_000, waited: 1_000 });
    const lease = await locks.acquire('a');
    const next = locks.acquire('a');
    await expect(locks.acquire('a', { wait: 50 })).rejects.toMatchObject({ code: 'LOCK_BUSY' });
    await lease.release();
    await (await next).release();
    const lost = await locks.acquire('a', { lease: 20, renew: false });
    await once(lost.signal, 'abort');
    await sleep(1_200);
    expect(told).toEqual([]);
    await lost.release();
  });

  it('reports nothing by default, and with a call its own times', async () => {
    serviceWith();
    const lease = await locks.acquire('a', { warnAfter: { held: 20 } });
    await expect(locks.acquire('a', { wait: 50, warnAfter: { waited: 10 } })).rejects.toThrow();
    await expect(locks.acquire('a', { wait: 50 })).rejects.toThrow();
    await using _other = await locks.acquire('b');
    expect(told.map(({ name, reason }) => `${name} ${reason}`).sort()).toEqual(['a held', 'a waited']);
    await lease.release();
  });

  it('reports nothing if a call says never', async () => {
    serviceWith({ held: 20, waited: 20 });
    const never = { warnAfter: { held: Infinity, waited: Infinity } };
    const lease = await locks.acquire('a', never);
    await expect(locks.acquire('a', { ...never, wait: 60 })).rejects.toThrow();
    expect(told).toEqual([]);
    await lease.release();
  });

  it('does not report leaders, and those who wait to lead', async () => {
    serviceWith({ held: 20, waited: 20 });
    const other = createLockService({ memory: state, warnAfter: { held: 20, waited: 20 } });
    const stop = new AbortController();
    const leading = [locks, other].map((each) =>
      new LeaderElection(each, 'leader').lead(({ signal }) => once(signal, 'abort').catch(() => undefined), stop),
    );
    await sleep(100);
    expect(told).toEqual([]);
    stop.abort();
    await Promise.all(leading);
    await other.close();
  });

  it('reports nothing after the service was closed', async () => {
    const logger = { warn: (line: string) => lines.push(line) };
    const warnAfter = { held: 1_000, waited: 1_000 };
    locks = createLockService({ memory: state, logger, warnAfter, shutdownTimeout: 10 });
    await locks.acquire('never released');
    locks.acquire('never released').catch(() => undefined);
    await locks.close();
    await sleep(1_200);
    expect(lines).toEqual([expect.stringContaining('did not release lock "never released"')]);
    expect(told).toEqual([]);
  });

  it.each([
    [5, '"warnAfter" must be an object: { held, waited }, but is 5'],
    [null, '"warnAfter" must be an object'],
    [{ held: 0 }, '"warnAfter.held" must be a whole number from 1 to 2147483647, but is 0'],
    [{ waited: '5' }, '"warnAfter.waited" must be a whole number'],
    [{ holds: 5 }, 'has no option "holds"'],
  ])('cannot be %p', async (warnAfter, message) => {
    serviceWith();
    await expect(locks.acquire('a', { warnAfter: warnAfter as never })).rejects.toThrow(message);
    if (warnAfter !== null) {
      expect(() => createLockService({ memory: true, warnAfter: warnAfter as never })).toThrow(message);
    }
  });
});
