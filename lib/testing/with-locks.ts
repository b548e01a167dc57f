import { connectionsOf, giveCache, giveService } from '../decorators/injected-service.js';
import type { FlightCache } from '../coordination/shared-cache.js';
import { LockConfigError } from '../errors/index.js';
import type { LockService } from '../lock.service.js';

/**
 * Options of `withLocks`.
 *
 * @publicApi
 */
export interface WithLocksOptions {
  /** The connection whose methods get the service. Default: those of all connections. */
  readonly connection?: string;
  /** The cache of methods with `@SingleFlight`, where Nest would inject that of `CacheModule`. Default: none. */
  readonly cache?: FlightCache;
}

/**
 * Gives an instance that was created with `new` the lock service of its decorated methods, as Nest does with the instances
 * that it creates. Methods with `@UseLock` get their locks only from Nest, when a request calls them.
 *
 * @returns the instance
 * @throws LockConfigError if no method of its class needs a lock service of that connection
 * @publicApi
 */
export function withLocks<Instance extends object>(
  instance: Instance,
  locks: LockService,
  { connection, cache }: WithLocksOptions = {},
): Instance {
  const used = connectionsOf(instance).filter((each) => each === (connection ?? each));
  if (used.length === 0) {
    const where = connection === undefined ? '' : ` of the connection "${connection}"`;
    throw new LockConfigError(`No method of ${instance.constructor.name} needs a lock service${where}.`);
  }
  for (const each of used) giveService(instance, each, locks);
  if (cache !== undefined) giveCache(instance, cache);
  return instance;
}
