import KeyvRedis from '@keyv/redis';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Keyv } from 'keyv';
import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  connectLockService,
  LockUnavailableError,
  MemoryState,
  SingleFlightCache,
  type FlightCacheStore,
  type LockService,
} from 'nestjs-redis-lock';
import { textCache } from '../coordination/flight-replicas.js';
import { ChildScript } from '../support/child-script.js';
import { describeWithRedisServer, RedisServer } from '../support/redis-server.js';
import { redisClient, testRedisUrl, uniqueName } from '../support/test-redis.js';
import { waitUntil } from '../support/wait-until.js';

const TTL = 60_000;

describe('single flight over a cache that fails', () => {
  let locks: LockService;
  let entries: Map<string, unknown>;
  let computed: number;
  const warnings: string[] = [];

  beforeEach(async () => {
    warnings.length = 0;
    const logger = { warn: (message: string) => warnings.push(message) };
    locks = await connectLockService({ memory: new MemoryState(), lease: 500, logger });
    entries = new Map();
    computed = 0;
  });
  afterEach(() => locks.close());

  const compute = (): number => (computed += 1);
  const never = (): Promise<never> => new Promise(() => undefined);
  const cacheWith = (parts: Partial<FlightCacheStore>): FlightCacheStore => ({
    get: (key) => entries.get(key),
    set: (key, value) => entries.set(key, value),
    delete: (key) => entries.delete(key),
    ...parts,
  });
  const flightWith = (parts: Partial<FlightCacheStore>): SingleFlightCache =>
    new SingleFlightCache(locks, cacheWith(parts), { ttl: TTL, cacheTimeout: 50 });

  it.each([
    { what: 'throws', fail: () => Promise.reject(new Error('cache down')) },
    {
      what: 'throws synchronously',
      fail: () => {
        throw new Error('cache down');
      },
    },
    { what: 'never replies', fail: never },
  ])('computes under the lock if the cache $what, and returns the value without caching it', async ({ fail }) => {
    const flight = flightWith({ get: fail, set: fail, delete: fail });
    expect(await Promise.all([flight.get('a', compute), flight.get('a', compute)])).toEqual([1, 1]);
    expect(await flight.get('a', compute)).toBe(2);
    await expect(flight.delete('a')).rejects.toBeInstanceOf(LockUnavailableError);
    expect(warnings.length).toBeGreaterThan(0);
    await waitUntil('the lock is released', () => locks.stats().held === 0);
  });

  it.each([
    { what: 'throws', set: () => Promise.reject(new Error('read-only')) },
    { what: 'resolves with false, as that of Keyv does', set: () => Promise.resolve(false) },
    { what: 'never resolves', set: never },
  ])('returns the value if set() $what', async ({ set }) => {
    const flight = flightWith({ set });
    expect(await flight.get('a', compute)).toBe(1);
    expect(warnings.join()).toContain('could not be written');
  });

  it('waits longer than its "wait" for its own computation, and not for that of another call', async () => {
    let end: (value: string) => void = () => undefined;
    const flight = flightWith({});
    const own = flight.get('a', () => new Promise<string>((resolve) => (end = resolve)), { wait: 100 });
    await waitUntil('it computes', () => locks.stats().held === 1);
    await expect(flight.get('a', compute, { wait: 200 })).rejects.toMatchObject({ code: 'LOCK_BUSY', waitedMs: 200 });
    end('value');
    expect(await own).toBe('value');
    expect(computed).toBe(0);
  });

  it('ends the wait of a caller whose signal aborts while the cache is read', async () => {
    const aborter = new AbortController();
    const flight = flightWith({
      get: (key) => {
        aborter.abort();
        return entries.get(key);
      },
    });
    const lease = await locks.acquire('a');
    const read = flight.get('a', compute, { signal: aborter.signal });
    await expect(read).rejects.toMatchObject({ code: 'LOCK_ABORTED' });
    await lease.release();
    expect(computed).toBe(0);
  });

  it('waits in no async context of a caller, and computes in the background in that of the call that began it', async () => {
    const request = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    const flight = flightWith({
      get: (key) => {
        if (key === 'a') seen.push(request.getStore());
        return entries.get(key);
      },
    });
    const lease = await locks.acquire('a');
    const waiting = request.run('first', () => flight.get('a', () => request.getStore(), { ttl: 1, staleFor: TTL }));
    await waitUntil('it has looked several times', () => seen.length > 3);
    await lease.release();
    expect(await waiting).toBe('first');
    expect(new Set(seen.slice(1))).toEqual(new Set([undefined]));
    await sleep(5);
    expect(await request.run('second', () => flight.get('a', () => request.getStore()))).toBe('first');
    await waitUntil('it is renewed', () => (entries.get('a') as { value: unknown }).value === 'second');
  });

  it('reads the cache a few times for many callers that miss, and once for each that does not', async () => {
    let reads = 0;
    const flight = flightWith({
      get: async (key) => {
        if (key === 'a') reads += 1;
        await sleep(5);
        return structuredClone(entries.get(key));
      },
    });
    const burst = (): Promise<object[]> =>
      Promise.all(Array.from({ length: 500 }, () => flight.get('a', async () => ({ n: 1 }))));
    await burst();
    expect(reads).toBeLessThan(50);
    expect(new Set(await burst()).size).toBe(500);
  });

  it('returns an error if an invalidation is not stored', async () => {
    const cache = cacheWith({});
    const flight = new SingleFlightCache(locks, cache, { ttl: TTL });
    await flight.get('a', compute);
    cache.set = () => undefined;
    await expect(flight.delete('a')).rejects.toBeInstanceOf(LockUnavailableError);
  });

  it('ignores entries that it did not write', async () => {
    const flight = flightWith({});
    for (const [at, foreign] of ['text', 5, [], { value: 'x' }, { token: 'x' }].entries()) {
      entries.set('a', foreign);
      expect(await flight.get('a', compute)).toBe(at + 1);
    }
  });

  it('does not write a value that was invalidated while it was computed', async () => {
    const written: string[] = [];
    const flight = flightWith({
      set: (key, value) => {
        written.push(key);
        entries.set(key, value);
      },
    });
    expect(await flight.get('a', async () => flight.delete('a').then(() => 'old'))).toBe('old');
    expect(written).not.toContain('a');
  });

  it('does not compute again in the background if that was done since the old value was read', async () => {
    let pass: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (pass = resolve));
    const options = { ttl: 1, staleFor: TTL };
    const other = new SingleFlightCache(locks, cacheWith({}), options);
    await other.get('a', () => 'old');
    await sleep(5);
    let reads = 0;
    const late = cacheWith({
      get: async (key) => {
        const found = entries.get(key);
        reads += 1;
        if (reads === 1) await gate;
        return found;
      },
    });
    const reading = new SingleFlightCache(locks, late, options).get('a', compute);
    await new SingleFlightCache(locks, cacheWith({}), { ttl: TTL, staleFor: TTL }).get('a', () => 'new');
    await waitUntil('it is renewed', () => (entries.get('a') as { value: unknown }).value === 'new');
    await waitUntil('the lock is free', () => locks.stats().held === 0);
    pass();
    expect(await reading).toBe('old');
    await waitUntil('it was looked at under the lock', () => reads >= 3);
    await waitUntil('the lock is free', () => locks.stats().held === 0);
    expect(computed).toBe(0);
  });

  it('removes a value that was written while its invalidation was stored', async () => {
    let invalidate: (() => Promise<void>) | undefined;
    const flight = flightWith({
      set: async (key, value) => {
        const run = invalidate;
        invalidate = undefined;
        await run?.();
        entries.set(key, value);
      },
    });
    const other = new SingleFlightCache(locks, cacheWith({}), { ttl: TTL });
    invalidate = () => other.delete('a');
    expect(await flight.get('a', compute)).toBe(1);
    expect(await flight.get('a', compute)).toBe(2);
    expect(await flight.get('a', compute)).toBe(2);
  });

  it('removes a value whose lock was lost while it was written', async () => {
    const lose = async (): Promise<void> => {
      await locks.forceRelease('a');
      await waitUntil('it is lost', () => locks.stats().held === 0);
    };
    const patient = new SingleFlightCache(locks, cacheWith({}), { ttl: TTL });
    const set = async (key: string, value: unknown): Promise<void> => {
      await lose();
      entries.set(key, value);
    };
    const late = new SingleFlightCache(locks, cacheWith({ set }), { ttl: TTL, cacheTimeout: 5_000 });
    expect(await late.get('a', () => 'late')).toBe('late');
    expect(await patient.get('a', compute)).toBe(1);
    expect(await late.get('a', () => 'late')).toBe(1);
  });
});

describe('single flight with random reads and invalidations on three replicas', () => {
  const lag = (ms = 3): Promise<void> => sleep(Math.random() * ms);

  it('computes one value at a time, and keeps none that was invalidated while it was computed', async () => {
    const entries = new Map<string, unknown>();
    const mark = (): unknown => entries.get('a#invalidated');
    const markAtStart = new Map<number, unknown>();
    /** Values that were written after their invalidation: the cache has them until the computation has checked again. */
    const late = new Set<number>();
    const cache: FlightCacheStore = {
      get: async (key) => {
        await lag();
        const found = entries.get(key);
        await lag();
        return found;
      },
      set: async (key, value) => {
        await lag();
        const { value: version } = value as { value: number };
        if (key === 'a' && markAtStart.get(version) !== mark()) late.add(version);
        entries.set(key, value);
        await lag();
      },
      delete: async (key) => {
        await lag();
        entries.delete(key);
        await lag();
      },
    };
    const memory = new MemoryState();
    const replicas = await Promise.all([1, 2, 3].map(() => connectLockService({ memory, logger: false })));
    const flights = replicas.map((locks) => new SingleFlightCache(locks, cache, { ttl: 15, wait: Infinity }));
    let [version, invalidated, running, atOnce] = [1, 1, 0, 0];
    const compute = async (): Promise<number> => {
      running += 1;
      atOnce = Math.max(atOnce, running);
      const seen = version;
      markAtStart.set(seen, mark());
      await lag(8);
      running -= 1;
      return seen;
    };
    const end = Date.now() + 2_000;
    const tooOld: number[] = [];
    const read = async (flight: SingleFlightCache): Promise<void> => {
      while (Date.now() < end) {
        const before = invalidated;
        const value = await flight.get('a', compute, { staleFor: 30, refreshAhead: 5 });
        if (value < before && !late.has(value)) tooOld.push(value);
        await lag(6);
      }
    };
    const change = async (flight: SingleFlightCache): Promise<void> => {
      while (Date.now() < end) {
        await lag(30);
        const changed = (version += 1);
        await flight.delete('a');
        invalidated = Math.max(invalidated, changed);
      }
    };
    try {
      await Promise.all([...[...flights, ...flights, ...flights].map(read), ...flights.map(change)]);
      await waitUntil('no computation runs', () => replicas.every((locks) => locks.stats().held === 0));
      expect({ atOnce, tooOld }).toEqual({ atOnce: 1, tooOld: [] });
      for (const flight of flights) expect(await flight.get('a', compute)).toBeGreaterThanOrEqual(invalidated);
    } finally {
      await Promise.all(replicas.map((locks) => locks.close()));
    }
  });
});

describeWithRedisServer('single flight while servers are down', () => {
  const options = { ttl: 100, staleFor: TTL, cacheTimeout: 200 };
  const compute = (value: string) => (): string => value;

  it('computes without the cache while its Redis is down, and caches again when it is back', async () => {
    await using server = await RedisServer.start();
    await using locks = await connectLockService({ url: testRedisUrl(), logger: false });
    const keyv = new Keyv(new KeyvRedis(server.url));
    keyv.on('error', () => undefined);
    try {
      const key = uniqueName();
      const flight = new SingleFlightCache(locks, keyv, { ...options, ttl: TTL });
      expect(await flight.get(key, compute('one'))).toBe('one');
      await server.kill();
      expect(await flight.get(key, compute('two'))).toBe('two');
      await expect(flight.delete(key)).rejects.toBeInstanceOf(LockUnavailableError);
      await server.restart();
      await waitUntil('it is cached', async () => {
        const value = await flight.get(key, compute(uniqueName()));
        return (await flight.get(key, compute('three'))) === value;
      });
    } finally {
      await keyv.disconnect();
    }
  });

  it('returns the value of another replica to its waiters although the locks are unavailable then', async () => {
    await using server = await RedisServer.start();
    await using first = await connectLockService({ url: server.url, logger: false });
    await using second = await connectLockService({ url: server.url, logger: false });
    const client = redisClient();
    try {
      const key = uniqueName();
      const flights = [first, second].map((locks) => new SingleFlightCache(locks, textCache(client), options));
      let end: (value: string) => void = () => undefined;
      const computing = flights[0]!.get(key, () => new Promise<string>((resolve) => (end = resolve)));
      await waitUntil('it computes', () => first.stats().held === 1);
      const waiting = flights[1]!.get(key, compute('another'));
      await waitUntil('it waits', () => second.stats().waiting === 1);
      await server.kill();
      end('value');
      expect(await Promise.all([computing, waiting])).toEqual(['value', 'value']);
    } finally {
      client.disconnect();
    }
  });

  it('returns the old value while locks are unavailable, and otherwise the error, and does not compute', async () => {
    await using server = await RedisServer.start();
    await using locks = await connectLockService({ url: server.url, logger: false, commandTimeout: 200 });
    const client = redisClient();
    try {
      const key = uniqueName();
      const flight = new SingleFlightCache(locks, textCache(client), options);
      expect(await flight.get(key, compute('old'))).toBe('old');
      await server.kill();
      await sleep(150);
      let computed = 0;
      const count = (): number => (computed += 1);
      expect(await flight.get(key, count)).toBe('old');
      await expect(flight.get(uniqueName(), count, { wait: 300 })).rejects.toBeInstanceOf(LockUnavailableError);
      expect(computed).toBe(0);
      await server.restart();
      await waitUntil('it is renewed', async () => (await flight.get(key, compute('new'))) === 'new');
    } finally {
      client.disconnect();
    }
  });
});

describe.each([
  { what: 'with the old value for the readers meanwhile', staleFor: TTL },
  { what: 'with readers that wait', staleFor: 0 },
])('a value that expires while 2,000 readers a second read it, $what', ({ staleFor }) => {
  it('is computed by one of them at a time, and once for each time it has expired', async () => {
    await using first = await connectLockService({ url: testRedisUrl() });
    await using second = await connectLockService({ url: testRedisUrl() });
    const client = redisClient();
    const ttl = 200;
    const flights = [first, second].map(
      (locks) => new SingleFlightCache(locks, textCache(client), { ttl, staleFor, wait: 20_000 }),
    );
    const key = uniqueName();
    let [running, atOnce, computed] = [0, 0, 0];
    const compute = async (): Promise<number> => {
      running += 1;
      atOnce = Math.max(atOnce, running);
      await sleep(50);
      running -= 1;
      return (computed += 1);
    };
    try {
      const began = Date.now();
      const reads: Promise<number>[] = [];
      while (reads.length < 2_000) {
        for (let i = 0; i < 20; i += 1) reads.push(flights[i % 2]!.get(key, compute));
        await sleep(10);
      }
      expect((await Promise.all(reads)).every((value) => value > 0)).toBe(true);
      await waitUntil('no computation runs', () => running === 0);
      expect(atOnce).toBe(1);
      // After one begins, the next begins only when its value has expired.
      expect(computed).toBeLessThanOrEqual((Date.now() - began) / ttl + 1);
      expect(computed).toBeGreaterThan(1);
    } finally {
      client.disconnect();
    }
  });
});

describe('single flight of several processes', () => {
  let key: string;
  beforeEach(() => {
    key = uniqueName();
  });
  const replica = async (aheadMs = 0): Promise<ChildScript> => {
    const child = ChildScript.start('hazards/children/flight.mjs', [testRedisUrl(), String(aheadMs)]);
    await child.next('ready');
    return child;
  };
  const computations = (...children: ChildScript[]): number =>
    children.flatMap(({ messages }) => messages).filter(({ type }) => type === 'computing').length;

  it('computes once, also if a clock is ahead by more than the ttl', async () => {
    await using first = await replica();
    await using second = await replica(3_600_000);
    first.send({ type: 'read', key, computeMs: 300, id: 'first', callers: 50 });
    await first.next('computing');
    second.send({ type: 'read', key, computeMs: 300, id: 'second', callers: 50 });
    for (const child of [first, second]) expect(await child.next('value')).toMatchObject({ values: ['first'] });
    expect(computations(first, second)).toBe(1);
  });

  it('is computed by another process if that of the computation is killed', async () => {
    await using first = await replica();
    await using second = await replica();
    first.send({ type: 'read', key, computeMs: 60_000, id: 'first' });
    await first.next('computing');
    second.send({ type: 'read', key, computeMs: 10, id: 'second', callers: 5 });
    await first.kill();
    expect(await second.next('value')).toMatchObject({ values: ['second'] });
  });

  it('keeps the newer value if a process was stopped during its computation for longer than its lease', async () => {
    await using first = await replica();
    await using second = await replica();
    first.send({ type: 'read', key, computeMs: 100, id: 'late' });
    await first.next('computing');
    first.freeze();
    second.send({ type: 'read', key, computeMs: 10, id: 'newer' });
    expect(await second.next('value')).toMatchObject({ values: ['newer'] });
    first.thaw();
    expect(await first.next('value')).toMatchObject({ values: ['late'] });
    second.send({ type: 'read', key, computeMs: 10, id: 'third' });
    expect(await second.next('value')).toMatchObject({ values: ['newer'] });
  });

  it('does not keep a process alive, and leaves no unhandled rejection', async () => {
    await using first = await replica();
    await using second = await replica();
    first.send({ type: 'read', key, computeMs: 60_000, id: 'first' });
    await first.next('computing');
    second.send({ type: 'read', key, computeMs: 10, id: 'second', callers: 5 });
    await sleep(100);
    second.send({ type: 'close' });
    expect(await second.next('failed')).toMatchObject({ code: 'LOCK_SHUTDOWN' });
    await second.next('closed');
    second.endInput();
    expect(await second.exited).toMatchObject({ code: 0 });
    expect(second.messages.filter(({ type }) => type === 'stray')).toEqual([]);
  });
});
