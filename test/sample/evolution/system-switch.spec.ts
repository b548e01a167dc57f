import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { ServiceUnavailableException } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Redis } from 'ioredis';
import type { CatalogBuilder } from '../../../sample-app/shop/catalog/catalog-builder.js';
import type { CatalogCache } from '../../../sample-app/shop/catalog/catalog-cache.js';
import type { GuardMessage } from '../../../sample-app/lab/evolution/guard-channel.js';
import type { CatalogFlights } from '../../../sample-app/lab/evolution/catalog-flights.js';
import { SwitchedRebuild } from '../../../sample-app/lab/evolution/switched-rebuild.js';
import { SystemSwitch } from '../../../sample-app/lab/evolution/system-switch.js';
import { isSystemName, systems } from '../../../sample-app/lab/evolution/systems.js';
import { StillTakenError } from '../../../sample-app/lab/evolution/systems/evolution-lock.js';
import { redisClient, uniqueName } from '../../support/test-redis.js';

const guard = process.env.CATALOG_GUARD;
let redis: Redis;
let prefix: string;

beforeEach(() => {
  prefix = `${uniqueName('switch')}:`;
  redis = redisClient(undefined, { keyPrefix: prefix });
});
afterEach(() => {
  redis.disconnect();
  if (guard === undefined) delete process.env.CATALOG_GUARD;
  else process.env.CATALOG_GUARD = guard;
});

describe('the switch between systems', () => {
  it('begins with @WithLock, or with CATALOG_GUARD', () => {
    delete process.env.CATALOG_GUARD;
    const plain = new SystemSwitch(redis);
    expect([plain.current, plain.lock()]).toEqual(['with-lock', null]);
    process.env.CATALOG_GUARD = 'stage-2';
    expect(new SystemSwitch(redis).current).toBe('stage-2');
  });

  it.each(['stage-6', '', 'toString', 'stage5'])('rejects CATALOG_GUARD=%j, and lists the valid values', (name) => {
    process.env.CATALOG_GUARD = name;
    expect(() => new SystemSwitch(redis)).toThrow(
      /^CATALOG_GUARD must be one of none, lock-2013, .*single-flight, but is "/,
    );
  });

  it.each(Object.keys(systems).filter(isSystemName))('switches to %s while callers are active', async (name) => {
    const switched = new SystemSwitch(redis);
    switched.set('stage-4');
    const before = switched.lock()!;
    let end: () => void = () => {};
    const ended = new Promise<void>((resolve) => (end = resolve));
    const key = 'stage-4:catalog:x';
    const underWay = before.withLock('catalog:x', () => ended);
    while ((await redis.exists(key)) === 0) await redis.ping();
    switched.set(name);
    expect(switched.current).toBe(name);
    if (name === 'stage-4') expect(switched.lock()).toBe(before);
    else await switched.lock()?.withLock('catalog:x', async () => undefined);
    // It still holds the lock it began with, and gives that one back.
    expect(await redis.exists(key)).toBe(1);
    end();
    await underWay;
    expect(await redis.exists(key)).toBe(0);
    await switched.onApplicationShutdown();
  });

  it('reports waits, grants and rejected callers on shop:guard', async () => {
    const told: GuardMessage[] = [];
    const listen = (message: unknown): void => void told.push(message as GuardMessage);
    subscribe('shop:guard', listen);
    const switched = new SystemSwitch(redis);
    switched.set('stage-5');
    await switched.lock()!.withLock('catalog:x', async () => undefined);
    await expect(switched.lock()!.withLock('catalog:x', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    const redisDown = redisClient('redis://127.0.0.1:1', { maxRetriesPerRequest: 0, retryStrategy: () => null });
    const down = new SystemSwitch(redisDown);
    down.set('stage-5');
    await expect(down.lock()!.withLock('catalog:z', async () => undefined)).rejects.toThrow();
    unsubscribe('shop:guard', listen);
    redisDown.disconnect();
    await redis.del('stage-5:catalog:x');
    const of = (system: string, name: string, type: string) => expect.objectContaining({ system, name, type });
    expect(told).toEqual([
      ...['waiting', 'acquired', 'released', 'waiting', 'acquired', 'released'].map((type) =>
        of('stage-5', 'catalog:x', type),
      ),
      ...['waiting', 'gave-up'].map((type) => of('stage-5', 'catalog:z', type)),
    ]);
    for (const message of told) {
      if (message.type === 'acquired') expect(message.waitedMs).toBeGreaterThanOrEqual(0);
      if (message.type === 'released') expect(message.heldMs).toBeGreaterThanOrEqual(0);
    }
  });

  it('closes the connections of its systems', async () => {
    const switched = new SystemSwitch(redis);
    switched.set('redisson');
    await switched.lock()!.withLock('catalog:x', async () => undefined);
    await switched.onApplicationShutdown();
    await expect(switched.lock()!.withLock('catalog:x', async () => undefined)).rejects.toThrow('Connection is closed');
  });
});

describe('a rebuild under the selected system', () => {
  const built = { version: 1, json: 'built' };
  const rebuildWith = (withLock: () => Promise<never>): SwitchedRebuild => {
    const cache = { get: async () => null } as unknown as CatalogCache;
    const builder = { build: async () => built } as unknown as CatalogBuilder;
    const systems = { lock: () => ({ withLock }) } as unknown as SystemSwitch;
    return new SwitchedRebuild(cache, builder, systems, {} as unknown as CatalogFlights);
  };

  it('responds with 503 if the lock stays taken', async () => {
    const rebuild = rebuildWith(() => Promise.reject(new StillTakenError('stage-1:catalog:*', 60_001.4)));
    const answer = rebuild.rebuild('*');
    await expect(answer).rejects.toThrow(ServiceUnavailableException);
    await expect(answer).rejects.toThrow('The lock stage-1:catalog:* stayed taken for 60001 ms.');
  });

  it('passes on any other error', async () => {
    await expect(rebuildWith(() => Promise.reject(new Error('Redis is away'))).rebuild('*')).rejects.toThrow(
      'Redis is away',
    );
  });

  it('checks the cache again once it has the lock', async () => {
    const filled = { version: 2, json: 'filled meanwhile', current: true };
    const get = jest.fn(async () => filled);
    const build = jest.fn();
    const lock = { withLock: (_name: string, work: () => Promise<unknown>) => work() };
    const rebuild = new SwitchedRebuild(
      { get } as unknown as CatalogCache,
      { build } as unknown as CatalogBuilder,
      { lock: () => lock } as unknown as SystemSwitch,
      {} as unknown as CatalogFlights,
    );
    expect(await rebuild.rebuild('*')).toEqual(filled);
    expect(build).not.toHaveBeenCalled();
  });
});
