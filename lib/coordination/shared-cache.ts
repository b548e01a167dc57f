import { LockConfigError } from '../errors/index.js';

/**
 * A cache that all replicas share. `get` resolves with what was set under the key, or with `undefined` or `null`. It
 * must give back plain objects as they were set: a cache of text has to convert them, for example with `JSON`.
 *
 * @publicApi
 */
export interface FlightCacheStore {
  get(key: string): unknown;
  /** @param ttl how long the entry is needed, in ms */
  set(key: string, value: unknown, ttl: number): unknown;
  delete?(key: string): unknown;
}

/**
 * The cache of a `SingleFlightCache`: a `Keyv`, a cache of cache-manager (the `CACHE_MANAGER` of
 * `@nestjs/cache-manager`), or any object with `get` and `set`. Of a cache with several stores the last one is used,
 * since the others are usually the memory of one process.
 *
 * @publicApi
 */
export type FlightCache = FlightCacheStore | { readonly stores: readonly FlightCacheStore[] };

/** @internal The operations that single flight needs. */
export interface SharedCache {
  get(key: string): Promise<unknown>;
  set(key: string, value: unknown, ttl: number): Promise<unknown>;
  /** Without a way to delete, the entry is replaced by `replacement`. */
  remove(key: string, replacement: unknown): Promise<unknown>;
}

const EXPECTED = 'a Keyv, a cache of cache-manager, or an object with get(key) and set(key, value, ttl)';
/** The life of what replaces an entry that cannot be deleted, in ms. */
const REPLACED_MS = 1_000;

/** @internal @throws LockConfigError if it is no cache that can be used */
export function sharedCache(cache: unknown): SharedCache {
  const store = storeOf(cache);
  const remove = methodOf(store, 'delete') ?? methodOf(store, 'del');
  return {
    get: (key) => promised(() => store.get(key)),
    set: (key, value, ttl) => promised(() => store.set(key, value, ttl)),
    remove: (key, replacement) =>
      promised(() => (remove === undefined ? store.set(key, replacement, REPLACED_MS) : remove.call(store, key))),
  };
}

/** A cache may be synchronous, and may throw. */
async function promised(request: () => unknown): Promise<unknown> {
  return await request();
}

function storeOf(cache: unknown): FlightCacheStore {
  if (typeof cache !== 'object' || cache === null) {
    throw new LockConfigError(
      `The cache must be ${EXPECTED}, but is ${cache === null ? 'null' : `of type ${typeof cache}`}.`,
    );
  }
  const stores: unknown = Reflect.get(cache, 'stores');
  if (Array.isArray(stores) && stores.length > 0) return storeOf(stores.at(-1));
  // A Cacheable has its shared store behind a memory.
  const secondary: unknown = Reflect.get(cache, 'secondary');
  if (typeof secondary === 'object' && secondary !== null) return storeOf(secondary);
  if (methodOf(cache, 'sendCommand') !== undefined) {
    throw new LockConfigError(
      'The cache is a Redis client, which stores text only. Use a Keyv with @keyv/redis, or wrap the client in an object ' +
        'with get(key) and set(key, value, ttl) that converts values with JSON.',
    );
  }
  if (methodOf(cache, 'wrap') !== undefined && !('primary' in cache)) {
    throw new LockConfigError(
      'The cache is of a cache-manager before version 6, whose ttl may be in seconds. Update it.',
    );
  }
  if (methodOf(cache, 'get') === undefined || methodOf(cache, 'set') === undefined) {
    throw new LockConfigError(`The cache must be ${EXPECTED}, but one of these methods is missing.`);
  }
  return cache as FlightCacheStore;
}

function methodOf(cache: object, name: string): ((key: string) => unknown) | undefined {
  const method: unknown = Reflect.get(cache, name);
  return typeof method === 'function' ? (method as (key: string) => unknown) : undefined;
}
