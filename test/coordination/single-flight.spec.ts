import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { currentLease, LockAbortedError, LockBusyError, LockConfigError, type Lease } from 'nestjs-redis-lock';
import { uniqueName } from '../support/test-redis.js';
import { waitUntil } from '../support/wait-until.js';
import { CACHE_KINDS, FlightReplicas, type FlightReplica } from './flight-replicas.js';

const TTL = 60_000;

describe.each(CACHE_KINDS)('single flight over a cache of kind %s', (kind) => {
  let replicas: FlightReplicas;
  let first: FlightReplica;
  let second: FlightReplica;
  let third: FlightReplica;
  let key: string;
  let computed: number;

  beforeEach(async () => {
    key = uniqueName('value');
    computed = 0;
    replicas = new FlightReplicas(kind);
    [first, second, third] = [
      await replicas.open({ ttl: TTL }),
      await replicas.open({ ttl: TTL }),
      await replicas.open({ ttl: TTL }),
    ];
  });
  afterEach(() => replicas[Symbol.asyncDispose]());

  const compute = async (): Promise<{ n: number }> => {
    await sleep(20);
    computed += 1;
    return { n: computed };
  };
  /** A computation that ends when it is told to. */
  const held = () => {
    let end!: (value: unknown) => void;
    let fail!: (error: Error) => void;
    const result = new Promise<unknown>((resolve, reject) => ([end, fail] = [resolve, reject]));
    let began = false;
    const run = (): Promise<unknown> => {
      began = true;
      computed += 1;
      return result;
    };
    return { run, end, fail, begun: () => waitUntil('it computes', () => began) };
  };

  it('computes a value once for many callers on all replicas, and gives it to all of them', async () => {
    const calls = [first, second, third].flatMap(({ flight }) =>
      Array.from({ length: 50 }, () => flight.get(key, compute)),
    );
    expect(await Promise.all(calls)).toEqual(Array(150).fill({ n: 1 }));
    expect(computed).toBe(1);
    expect(await second.flight.get(key, compute)).toEqual({ n: 1 });
    expect(computed).toBe(1);
  });

  it('computes again when the value has expired', async () => {
    await first.flight.get(key, compute, { ttl: 50 });
    await sleep(100);
    expect(await second.flight.get(key, compute)).toEqual({ n: 2 });
  });

  it('gives an error to the callers of that computation, and lets the next caller try', async () => {
    const failure = new Error('no catalog');
    const work = held();
    const waiting = Promise.allSettled([first.flight.get(key, work.run), first.flight.get(key, work.run)]);
    await work.begun();
    const elsewhere = second.flight.get(key, compute);
    work.fail(failure);
    expect(await waiting).toEqual(Array(2).fill({ status: 'rejected', reason: failure }));
    expect(await elsewhere).toEqual({ n: 2 });
    expect(await first.flight.get(key, compute)).toEqual({ n: 2 });
  });

  it.each([[undefined], [null]])('caches %s only where asked for', async (absent) => {
    const none = (): unknown => {
      computed += 1;
      return absent;
    };
    expect(await first.flight.get(key, none)).toBe(absent);
    expect(await second.flight.get(key, none)).toBe(absent);
    expect(computed).toBe(2);
    expect(await first.flight.get(key, none, { absentTtl: TTL })).toBe(absent);
    expect(await second.flight.get(key, none)).toBe(absent);
    expect(computed).toBe(3);
  });

  it('does not return an old value any more once the value is absent', async () => {
    await first.flight.get(key, compute, { ttl: 20, staleFor: TTL });
    await sleep(50);
    const gone = (): unknown => undefined;
    expect(await first.flight.get(key, gone)).toEqual({ n: 1 });
    await waitUntil('it is gone', async () => (await second.flight.get(key, gone)) === undefined);
  });

  it('returns the old value for staleFor, while one replica computes', async () => {
    await first.flight.get(key, compute, { ttl: 20, staleFor: TTL });
    await sleep(50);
    const work = held();
    const options = { ttl: TTL, staleFor: TTL };
    const calls = [first, second, third].map(({ flight }) => flight.get(key, work.run, options));
    expect(await Promise.all(calls)).toEqual(Array(3).fill({ n: 1 }));
    await work.begun();
    expect(await second.flight.get(key, work.run, options)).toEqual({ n: 1 });
    work.end({ n: 'new' });
    await waitUntil('it is there', async () => JSON.stringify(await third.flight.get(key, compute)) === '{"n":"new"}');
    expect(computed).toBe(2);
  });

  it('computes a new value before the old one expires if refreshAhead says so', async () => {
    await first.flight.get(key, compute);
    const options = { refreshAhead: TTL - 1 };
    await sleep(5);
    expect(await second.flight.get(key, compute, options)).toEqual({ n: 1 });
    await waitUntil('it is renewed', () => computed === 2);
    await waitUntil('it is there', async () => (await first.flight.get(key, compute)).n === 2);
    expect(computed).toBe(2);
  });

  it('keeps the old value if a refresh fails, and tries again', async () => {
    await first.flight.get(key, compute, { ttl: 20, staleFor: TTL });
    await sleep(50);
    let attempts = 0;
    const fail = (): Promise<never> => {
      attempts += 1;
      return Promise.reject(new Error('not yet'));
    };
    const options = { ttl: 20, staleFor: TTL };
    await waitUntil('it is tried again', async () => {
      expect(await first.flight.get(key, fail, options)).toEqual({ n: 1 });
      return attempts === 2;
    });
  });

  it('rejects a caller whose wait is over, and does not compute for it', async () => {
    const work = held();
    const computing = first.flight.get(key, work.run);
    await work.begun();
    for (const { flight } of [first, second]) {
      await expect(flight.get(key, compute, { wait: 30 })).rejects.toBeInstanceOf(LockBusyError);
      await expect(flight.get(key, compute, { wait: 0 })).rejects.toBeInstanceOf(LockBusyError);
    }
    work.end({ n: 'late' });
    expect(await computing).toEqual({ n: 'late' });
    expect(computed).toBe(1);
  });

  it('computes for a caller that does not wait if nobody else does', async () => {
    expect(await first.flight.get(key, compute, { wait: 0 })).toEqual({ n: 1 });
  });

  it('continues for the others when one caller gives up, also if its own function computes', async () => {
    const aborter = new AbortController();
    const work = held();
    const leaving = first.flight.get(key, work.run, { signal: aborter.signal });
    await work.begun();
    const staying = first.flight.get(key, compute);
    aborter.abort('enough');
    await expect(leaving).rejects.toMatchObject({ code: 'LOCK_ABORTED', cause: 'enough' });
    work.end({ n: 'shared' });
    expect(await staying).toEqual({ n: 'shared' });
    await expect(first.flight.get(key, compute, { signal: aborter.signal })).rejects.toBeInstanceOf(LockAbortedError);
  });

  it('lets the next caller compute when the first one has given up before it had the lock', async () => {
    const lease = await second.locks.acquire(key);
    const aborter = new AbortController();
    const leaving = first.flight.get(key, () => 'not run', { signal: aborter.signal });
    await waitUntil('it waits', () => first.locks.stats().waiting === 1);
    const staying = first.flight.get(key, compute);
    aborter.abort();
    await expect(leaving).rejects.toBeInstanceOf(LockAbortedError);
    await lease.release();
    expect(await staying).toEqual({ n: 1 });
  });

  it('waits for nothing when all callers have given up', async () => {
    const lease = await second.locks.acquire(key);
    await expect(first.flight.get(key, compute, { wait: 30 })).rejects.toBeInstanceOf(LockBusyError);
    await waitUntil('nobody waits', () => first.locks.stats().waiting === 0);
    await lease.release();
    expect(computed).toBe(0);
  });

  it('does not cache what was computed before an invalidation, on any replica', async () => {
    const work = held();
    const before = first.flight.get(key, work.run);
    await work.begun();
    await second.flight.delete(key);
    const after = [first.flight.get(key, compute), third.flight.get(key, compute)];
    work.end({ n: 'old' });
    expect(await before).toEqual({ n: 'old' });
    expect(await Promise.all(after)).toEqual(Array(2).fill({ n: 2 }));
    expect(await second.flight.get(key, compute)).toEqual({ n: 2 });
  });

  it('removes a value, and its old value too', async () => {
    await first.flight.get(key, compute, { ttl: 20, staleFor: TTL });
    await second.flight.delete(key);
    expect(await first.flight.get(key, compute)).toEqual({ n: 2 });
    await third.flight.delete(key);
    expect(await first.flight.get(key, compute)).toEqual({ n: 3 });
  });

  it('does not replace a newer value by that of a computation which has lost its lock', async () => {
    const work = held();
    const late = first.flight.get(key, work.run);
    await work.begun();
    const waiting = first.flight.get(key, compute, { wait: Infinity });
    await third.locks.forceRelease(key);
    expect(await second.flight.get(key, compute)).toEqual({ n: 2 });
    expect(await waiting).toEqual({ n: 2 });
    work.end({ n: 'late' });
    expect(await late).toEqual({ n: 'late' });
    expect(await third.flight.get(key, compute)).toEqual({ n: 2 });
  });

  it('is computed by another caller if a computation hangs longer than a lease that is not renewed', async () => {
    const work = held();
    const hanging = first.flight.get(key, work.run, { lease: 300, renew: false });
    await work.begun();
    const next = [first, second].map(({ flight }) => flight.get(key, compute, { wait: Infinity }));
    expect(await Promise.all(next)).toEqual(Array(2).fill({ n: 2 }));
    work.end('late');
    expect(await hanging).toBe('late');
    expect(await third.flight.get(key, compute)).toEqual({ n: 2 });
  });

  it('computes under a lease, in the async context of the caller', async () => {
    const tenant = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    const lease = await second.locks.acquire(key);
    const call = (name: string): Promise<unknown> =>
      tenant.run(name, () =>
        first.flight.get(key, (given: Lease) => {
          seen.push(tenant.getStore(), currentLease() === given, given.name);
          return sleep(5).then(() => seen.push(tenant.getStore()));
        }),
      );
    const calls = [call('a')];
    await waitUntil('it waits', () => first.locks.stats().waiting === 1);
    calls.push(call('b'));
    await lease.release();
    await Promise.all(calls);
    expect(seen).toEqual(['a', true, key, 'a']);
    expect(currentLease()).toBeUndefined();
  });

  it('rejects a call that its own computation waits for, and serves calls for other keys', async () => {
    const inner = (): Promise<unknown> => first.flight.get(`${key}:part`, compute);
    expect(await first.flight.get(key, inner)).toEqual({ n: 1 });
    const self = first.flight.get(`${key}:self`, () => first.flight.get(`${key}:self`, compute));
    await expect(self).rejects.toMatchObject({ code: 'LOCK_BUSY', reason: 'nested' });
  });

  it('refuses new computations when its service is closed', async () => {
    await first.flight.get(key, compute);
    await first.locks.close();
    expect(await first.flight.get(key, compute)).toEqual({ n: 1 });
    await expect(first.flight.get(`${key}:other`, compute)).rejects.toMatchObject({ code: 'LOCK_SHUTDOWN' });
  });

  it('leaves nothing that runs', async () => {
    await Promise.all([first, second, third].map(({ flight }) => flight.get(key, compute)));
    await waitUntil('all locks are released', () =>
      [first, second, third].every(({ locks }) => locks.stats().held + locks.stats().waiting === 0),
    );
  });

  it.each([
    { what: 'no ttl', options: {}, named: 'ttl' },
    { what: 'a ttl of 0', options: { ttl: 0 }, named: 'ttl' },
    {
      what: 'a refreshAhead that is not shorter than the ttl',
      options: { ttl: 5, refreshAhead: 5 },
      named: 'refreshAhead',
    },
    { what: 'an unknown option', options: { ttl: 5, grace: 5 }, named: 'grace' },
    { what: 'a staleFor that is no number', options: { ttl: 5, staleFor: '5' }, named: 'staleFor' },
    { what: 'no options', options: undefined, named: 'ttl' },
  ])('rejects $what', async ({ options, named }) => {
    await expect(replicas.open(options as never)).rejects.toThrow(LockConfigError);
    await expect(replicas.open(options as never)).rejects.toThrow(`"${named}"`);
  });

  it('rejects a call with an option or a function that cannot be used', async () => {
    await expect(first.flight.get(key, compute, { cacheTimeout: 5 } as never)).rejects.toThrow('"cacheTimeout"');
    await expect(first.flight.get(key, compute, { refreshAhead: TTL })).rejects.toThrow('"refreshAhead"');
    await expect(first.flight.get(key, 'value' as never)).rejects.toThrow(LockConfigError);
    await expect(first.flight.get('', compute)).rejects.toMatchObject({ code: 'LOCK_NAME' });
    expect(computed).toBe(0);
  });
});
