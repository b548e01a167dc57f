import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it } from '@jest/globals';
import { Cluster } from 'ioredis';
import {
  connectLockService,
  createLockService,
  LockConfigError,
  MemoryState,
  type LockServiceOptions,
} from 'nestjs-redis-lock';
import { resolveSettings } from '../../lib/options/service-options.js';
import { AcquireResolver, resolveAcquire } from '../../lib/options/acquire-options.js';
import { redisClient, testRedisUrl, uniqueName } from '../support/test-redis.js';

const memory = { memory: true } as const;
const settings = resolveSettings(memory);

describe('the options of a lock service', () => {
  it('have the defaults that are documented', () => {
    expect(settings).toEqual({
      // From the environment.
      service: { name: process.env.npm_package_name, version: process.env.npm_package_version },
      warnAfter: { held: Infinity, waited: Infinity },
      logger: false,
      lease: 30_000,
      renew: true,
      wait: 10_000,
      keyPrefix: 'lock:',
      maxWaiting: 10_000,
      commandTimeout: 1_000,
      handOverTime: 50,
      handOverCount: 1_000,
      minReplicas: 0,
      tokenTtl: 86_400_000,
      restartGuard: 31_000,
      startup: 'require',
      startupTimeout: 5_000,
      shutdownTimeout: 10_000,
    });
  });

  it('never let one request take more than a third of the lease', () => {
    expect(resolveSettings({ ...memory, lease: 900 }).commandTimeout).toBe(300);
    expect(resolveSettings({ ...memory, lease: 10 }).commandTimeout).toBe(3);
    expect(resolveSettings({ ...memory, lease: 900, commandTimeout: 100 }).commandTimeout).toBe(100);
  });

  const whole = (option: string, min: number, max: number): [string, unknown, string][] =>
    [min - 1, max + 1, Number.NaN, Infinity, -Infinity, min + 0.5, '5', null, {}].map((value) => [
      option,
      value,
      `"${option}" must be a whole number from ${min} to ${max}, but is`,
    ]);

  const bad: [string, unknown, string][] = [
    ...whole('lease', 10, 86_400_000),
    ...whole('wait', 0, 2 ** 31 - 1).filter(([, value]) => value !== Infinity),
    ...whole('maxWaiting', 1, 2 ** 31 - 1),
    ...whole('commandTimeout', 1, 2 ** 31 - 1),
    ...whole('handOverTime', 0, 86_400_000),
    ...whole('handOverCount', 1, 1_000),
    ...whole('tokenTtl', 60_000, 365 * 86_400_000),
    ...whole('startupTimeout', 1, 2 ** 31 - 1),
    ...whole('shutdownTimeout', 0, 2 ** 31 - 1),
    ['keyPrefix', 5, '"keyPrefix" must be a string of at most 256 bytes'],
    ['keyPrefix', 'x'.repeat(257), '"keyPrefix" must be a string'],
    ['keyPrefix', '\ud800', '"keyPrefix" must be a string'],
    ['startup', 'later', '"startup" must be \'require\' or \'background\', but is "later"'],
    ['startup', true, '"startup" must be'],
    ['service', true, '"service" must be false or an object: { name, version }, but is true'],
    ['service', { title: 'x' }, 'has no option "title"'],
    ['service', { name: 5 }, '"service.name" must be a string of at most 100 characters, but is 5'],
    ['service', { version: 'x'.repeat(101) }, '"service.version" must be a string'],
  ];
  // `null` stands for the default where it can.
  it.each(bad.filter(([, value]) => value !== null))('reject %s: %p', (option, value, message) => {
    const options = { ...memory, [option]: value } as LockServiceOptions;
    expect(() => createLockService(options)).toThrow(LockConfigError);
    expect(() => createLockService(options)).toThrow(message);
  });

  it('accept values at the limits', () => {
    const edges = { lease: 10, wait: Infinity, maxWaiting: 1, handOverTime: 0, handOverCount: 1, shutdownTimeout: 0 };
    expect(resolveSettings({ ...memory, ...edges, keyPrefix: '' })).toMatchObject({ ...edges, keyPrefix: '' });
    expect(resolveSettings({ ...memory, lease: 86_400_000, wait: 2 ** 31 - 1 }).wait).toBe(2 ** 31 - 1);
  });

  it.each([
    [undefined, 'must be an object'],
    [null, 'must be an object'],
    ['redis://localhost', 'must be an object'],
    [{ quorum: 'redis://a' }, '"quorum" must be a list of 3 to 15 Redis servers'],
    [{ quorum: ['redis://a', 'redis://b'] }, '"quorum" must be a list of 3 to 15'],
    [{ quorum: ['redis://a', 'redis://b', 'redis://a'] }, '"quorum" names a server twice'],
    [{ quorum: ['redis://a', 'redis://b', 7] }, 'one is 7'],
    [{ quorum: ['redis://a', 'redis://b', 'http://c'] }, '"quorum" must be a string that begins with redis://'],
    [
      { quorum: ['redis://a', 'redis://b', 'redis://c'], restartGuard: 5 },
      '"restartGuard" (5) must be 0, or not below',
    ],
    [{ memory: true, restartGuard: 0 }, '"restartGuard" is an option of "quorum" only'],
    [{}, 'Exactly one of url, redis, cluster, quorum, client, memory is needed, but none is given'],
    [{ cluster: 'redis://localhost' }, '"cluster" must be an object'],
    [{ memory: true, leaseMs: 1_000 }, '"leaseMs" is replaced by "lease"'],
    [{ memory: true, handOverMs: 1 }, '"handOverMs" is replaced by "handOverTime"'],
    [{ nodes: ['redis://a', 'redis://b', 'redis://c'] }, '"nodes" is replaced by "quorum"'],
    [{ memory: true, renew: 'yes' }, '"renew" must be true or false, but is "yes"'],
    [{ cluster: { nodes: [] } }, '"cluster" needs at least one of its nodes'],
    [{ cluster: { nodes: ['redis://localhost'], option: {} } }, 'has no option "option"'],
    [{ cluster: { nodes: ['redis://localhost'], options: 1 } }, '"options" of "cluster" must be'],
    [{ url: 'redis://localhost', memory: true }, 'but these are given: url, memory'],
    [{ url: 'localhost:6379' }, '"url" must be a string that begins with redis://'],
    [{ url: 5 }, '"url" must be a string'],
    [{ redis: 'redis://localhost' }, '"redis" must be an object of ioredis options'],
    [{ memory: {} }, '"memory" must be true or a MemoryState'],
    [{ memory: true, leaseMS: 5 }, 'has no option "leaseMS". Known: '],
    [{ client: {} }, '"client" must be an ioredis client'],
    [{ client: null }, '"client" must be an ioredis client'],
  ])('reject %p as a whole', async (options, message) => {
    const given = options as unknown as LockServiceOptions;
    expect(() => createLockService(given)).toThrow(LockConfigError);
    expect(() => createLockService(given)).toThrow(message);
    await expect(connectLockService(given)).rejects.toBeInstanceOf(LockConfigError);
  });

  it("leave nothing open when the options of the service's own client are rejected", async () => {
    const { hostname, port } = new URL(testRedisUrl());
    const connectionName = uniqueName('refused');
    const redis = { host: hostname, port: Number(port), keyPrefix: 'shop:', connectionName };
    expect(() => createLockService({ redis })).toThrow(LockConfigError);
    const admin = redisClient();
    // A connection made after the refused one would be ready after it.
    for (let round = 0; round < 5; round += 1) {
      const later = redisClient();
      await later.ping();
      later.disconnect();
    }
    const clients = String(await admin.call('CLIENT', 'LIST'));
    admin.disconnect();
    expect(clients).not.toContain(connectionName);
  });

  it('reject a cluster client whose own keyPrefix would not apply to the channels', () => {
    const client = new Cluster([{ host: '127.0.0.1', port: 1 }], { lazyConnect: true, keyPrefix: 'app:' });
    expect(() => createLockService({ client })).toThrow(/keyPrefix: 'app:lock:'/);
    client.disconnect();
  });

  it("reject a client whose own keyPrefix would not apply to the locks' channels", () => {
    const client = redisClient(undefined, { keyPrefix: 'shop:', lazyConnect: true });
    expect(() => createLockService({ client })).toThrow(/prefix "shop:".*keyPrefix: 'shop:lock:'/);
    client.disconnect();
  });

  it('may share one MemoryState between services', async () => {
    const state = new MemoryState();
    await using one = createLockService({ memory: state });
    await using two = createLockService({ memory: state });
    await using other = createLockService({ memory: true });
    await using lease = await one.acquire('a');
    expect(await two.tryAcquire('a')).toBeNull();
    await (await other.acquire(lease.name)).release();
  });
});

describe('the options of an acquisition', () => {
  const locks = createLockService(memory);
  afterAll(() => locks.close());

  it('have the defaults that are documented', () => {
    expect(resolveAcquire({}, settings)).toEqual({
      wait: 10_000,
      leaseMs: 30_000,
      renewMs: 30_000,
      signal: undefined,
      holdAtLeast: 0,
      minReplicas: 0,
      nested: 'join',
      warnAfter: { held: Infinity, waited: Infinity },
    });
    expect(resolveAcquire({ lease: 500, renew: false, wait: 0 }, settings)).toMatchObject({
      leaseMs: 500,
      renewMs: undefined,
      wait: 0,
    });
  });

  it('are read at each acquisition', () => {
    const resolver = new AcquireResolver(settings);
    const options = { wait: 5 };
    expect(resolver.resolve(options).wait).toBe(5);
    options.wait = 6;
    expect(resolver.resolve(options).wait).toBe(6);
  });

  it('may be left out, but not be null', async () => {
    await using locks = createLockService(memory);
    const none = null as unknown as undefined;
    await expect(locks.acquire('a', none)).rejects.toBeInstanceOf(LockConfigError);
    await expect(locks.withLock('a', () => 0, none)).rejects.toBeInstanceOf(LockConfigError);
    await expect(locks.tryAcquire('a', none)).rejects.toBeInstanceOf(Error);
  });

  it.each([
    [{ wait: -1 }, '"wait" must be a whole number from 0 to 2147483647, but is -1'],
    [{ wait: -Infinity }, '"wait" must be'],
    [{ wait: '5' }, '"wait" must be a whole number from 0 to 2147483647, but is "5"'],
    [{ lease: 9 }, '"lease" must be a whole number from 10 to 86400000, but is 9'],
    [{ lease: 86_400_001 }, '"lease" must be'],
    [{ lease: 'Renew' }, '"lease" must be a whole number from 10 to 86400000, but is "Renew"'],
    [{ lease: Infinity }, '"lease" must be'],
    [{ lease: 'renew' }, "lease: 'renew' is replaced by renew: true, which is the default"],
    [{ renew: 1 }, '"renew" must be true or false, but is 1'],
    [{ holdAtLeast: 0.5 }, '"holdAtLeast" must be a whole number'],
    [{ minReplicas: -1 }, '"minReplicas" must be a whole number from 0 to 100'],
    [{ minReplicas: 101 }, '"minReplicas" must be'],
    [{ holdAtLeast: 86_400_001 }, '"holdAtLeast" must be'],
    [
      { lease: 100, renew: false, holdAtLeast: 101 },
      '"holdAtLeast" (101) must not be longer than the "lease" (100) where "renew" is false',
    ],
    [{ signal: new AbortController() }, '"signal" must be an AbortSignal'],
    [{ nested: 'no' }, `"nested" must be 'join', 'refuse' or 'wait', but is "no"`],
    [{ nested: true }, `"nested" must be 'join', 'refuse' or 'wait', but is true`],
    [{ label: '' }, '"label" must be a string of 1 to 100 characters, but is ""'],
    [{ label: 'x'.repeat(101) }, '"label" must be a string of 1 to 100 characters'],
    [{ label: '\ud800' }, '"label" must be'],
    [{ label: 5 }, '"label" must be a string of 1 to 100 characters, but is 5'],
    [{ reentrant: false }, `"reentrant" is replaced by "nested": nested: 'refuse' for reentrant: false`],
    [{ timeout: 5 }, 'has no option "timeout"'],
    [null, 'must be an object, but are null'],
    ['fast', 'must be an object, but are "fast"'],
    [5, 'must be an object, but are 5'],
  ])('reject %p', async (options, message) => {
    for (const call of [
      locks.acquire('name', options as never),
      locks.withLock('name', () => 'ran', options as never),
      locks.acquire(['a', 'b'], options as never),
    ]) {
      const error = await call.catch((e: unknown) => e);
      expect(error).toBeInstanceOf(LockConfigError);
      expect((error as Error).message).toContain(message);
    }
    expect(locks.stats()).toMatchObject({ held: 0, waiting: 0, unsettled: 0 });
  });

  it('of tryAcquire make one attempt by default, also with `wait: undefined`', async () => {
    const state = new MemoryState();
    await using one = createLockService({ memory: state });
    await using two = createLockService({ memory: state });
    const lease = await one.acquire('a');
    expect(await two.tryAcquire('a', {})).toBeNull();
    const undefinedWait = { wait: undefined } as unknown as { wait: number };
    const waits = sleep(1_000, 'waits', { ref: false });
    expect(await Promise.race([two.tryAcquire('a', undefinedWait), waits])).toBeNull();
    await lease.release();
  });

  it('may have minReplicas with the memory store, without effect', async () => {
    await using locks = createLockService({ memory: true, minReplicas: 1 });
    await expect(locks.withLock('name', () => 'ran', { minReplicas: 2 })).resolves.toBe('ran');
  });
});
