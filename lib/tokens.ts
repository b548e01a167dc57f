/** @internal The connection that is used where none is named. */
export const DEFAULT_CONNECTION = 'default';

/**
 * The injection token of the lock service of one connection. It is a symbol and not the class, since the ES module
 * build and the CommonJS build of this package have different classes, but share their symbols.
 *
 * @publicApi
 */
export function getLockServiceToken(connection: string = DEFAULT_CONNECTION): symbol {
  return Symbol.for(`nestjs-redis-lock/RedisLockModule/${connection}`);
}

/** @internal The property in which an instance with locked methods keeps the lock service of one connection. */
export function lockServiceProperty(connection: string): symbol {
  return Symbol.for(`nestjs-redis-lock/property/${connection}`);
}

/** @internal Metadata of a prototype: the connections its locked methods use. */
export const LOCK_CONNECTIONS = Symbol.for('nestjs-redis-lock/connections');

/** @internal The property in which an instance with `@SingleFlight` has the cache, and metadata of its prototype. */
export const LOCK_CACHE = Symbol.for('nestjs-redis-lock/cache');

/** @internal Metadata of a class that `@UseLock` was applied to. */
export const LOCKED_CLASS = Symbol.for('nestjs-redis-lock/locked-class');

/** @internal The token under which a module keeps its connection's name. */
export const LOCK_CONNECTION_NAME = Symbol.for('nestjs-redis-lock/connection-name');

/** @internal The token under which a module keeps its options. */
export const LOCK_MODULE_OPTIONS = Symbol.for('nestjs-redis-lock/module-options');

/** @internal The token of the function that creates the service of a module. Tests replace it. */
export const LOCK_CONNECT = Symbol.for('nestjs-redis-lock/connect');

/** @internal The token of a module's lifecycle hooks. */
export const LOCK_LIFECYCLE = Symbol.for('nestjs-redis-lock/lifecycle');

/** @internal The token of a module's hooks for `@RunOnce`. */
export const LOCK_COORDINATION = Symbol.for('nestjs-redis-lock/coordination');

/** @internal The token of the check that rejects request-scoped options at start-up. */
export const LOCK_SCOPE_CHECK = Symbol.for('nestjs-redis-lock/scope-check');

/** @internal The token of the optional options of an injected `LockExceptionFilter`. */
export const LOCK_FILTER_OPTIONS = Symbol.for('nestjs-redis-lock/filter-options');
