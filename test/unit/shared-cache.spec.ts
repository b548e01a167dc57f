import { describe, expect, it } from '@jest/globals';
import { createCache } from 'cache-manager';
import { Redis } from 'ioredis';
import { Keyv } from 'keyv';
import { LockConfigError } from 'nestjs-redis-lock';
import { sharedCache } from '../../lib/coordination/shared-cache.js';

describe('the cache of single flight', () => {
  const memory = new Keyv();
  const shared = new Keyv();

  it.each([
    { what: 'a Keyv', cache: new Keyv() },
    { what: 'a cache of cache-manager', cache: createCache() },
    { what: 'a Map', cache: new Map() },
    { what: 'a stand-in of CACHE_MANAGER', cache: withMap('del') },
    { what: 'an object that cannot delete', cache: withMap('none') },
  ])('can be $what', async ({ cache }) => {
    const { get, set, remove } = sharedCache(cache);
    expect(await get('a')).toBeUndefined();
    await set('a', { n: 1 }, 60_000);
    expect(await get('a')).toEqual({ n: 1 });
    await remove('a', null);
    expect((await get('a')) ?? null).toBeNull();
  });

  it.each([
    { what: 'cache-manager with several stores', cache: createCache({ stores: [memory, shared] }) },
    { what: 'a Cacheable', cache: { primary: memory, secondary: shared, get: fail, set: fail, wrap: fail } },
  ])('is the shared store of $what, and not the memory in front of it', async ({ cache }) => {
    await sharedCache(cache).set('a', 'shared', 60_000);
    expect([await memory.get('a'), await shared.get('a')]).toEqual([undefined, 'shared']);
  });

  it('gets the time to live in ms', async () => {
    const sets: unknown[] = [];
    const cache = { get: fail, set: (...args: unknown[]) => sets.push(args) };
    await sharedCache(cache).set('a', 1, 1_500);
    expect(sets).toEqual([['a', 1, 1_500]]);
  });

  it.each([
    { what: 'undefined', cache: undefined, says: 'undefined' },
    { what: 'null', cache: null, says: 'null' },
    { what: 'a text', cache: 'redis://cache', says: 'string' },
    { what: 'an object without set', cache: { get: fail }, says: 'missing' },
    { what: 'a Redis client', cache: new Redis({ lazyConnect: true }), says: 'Redis client' },
    { what: 'an old cache-manager', cache: { get: fail, set: fail, del: fail, wrap: fail }, says: 'before version 6' },
  ])('cannot be $what', ({ cache, says }) => {
    expect(() => sharedCache(cache)).toThrow(LockConfigError);
    expect(() => sharedCache(cache)).toThrow(says);
  });
});

function withMap(remove: 'del' | 'none'): object {
  const entries = new Map<string, unknown>();
  return {
    get: (key: string) => entries.get(key),
    set: (key: string, value: unknown) => entries.set(key, value),
    ...(remove === 'del' ? { del: (key: string) => entries.delete(key) } : {}),
  };
}

function fail(): never {
  throw new Error('not used');
}
