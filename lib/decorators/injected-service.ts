import { Inject } from '@nestjs/common';
import 'reflect-metadata';
import { LockConfigError } from '../errors/index.js';
import type { LockService } from '../lock.service.js';
import { getLockServiceToken, LOCK_CACHE, LOCK_CONNECTIONS, lockServiceProperty } from '../tokens.js';

/**
 * Makes Nest inject the service into every instance of this class, once per connection, even if a base class has it
 * already. An app without the module fails to start, and two apps never share a service.
 */
export function injectService(prototype: object, connection: string): void {
  if (usesConnection(prototype, connection)) return;
  Reflect.defineMetadata(LOCK_CONNECTIONS, [...connectionsOf(prototype), connection], prototype);
  Inject(getLockServiceToken(connection))(prototype, lockServiceProperty(connection));
}

/** The token under which `CacheModule` of `@nestjs/cache-manager` provides its cache. */
const CACHE_MANAGER = 'CACHE_MANAGER';

/** Makes Nest inject the cache of `@nestjs/cache-manager` into every instance of this class. */
export function injectCache(prototype: object): void {
  if (Reflect.hasMetadata(LOCK_CACHE, prototype)) return;
  Reflect.defineMetadata(LOCK_CACHE, true, prototype);
  Inject(CACHE_MANAGER)(prototype, LOCK_CACHE);
}

/** Whether instances of this prototype need the service. */
export function usesConnection(prototype: object, connection: string): boolean {
  return connectionsOf(prototype).includes(connection);
}

/** The connections whose services the locked methods of an instance, or of a prototype, use. */
export function connectionsOf(target: object): readonly string[] {
  return (Reflect.getMetadata(LOCK_CONNECTIONS, target) ?? []) as readonly string[];
}

/** Sets the service on an instance that Nest did not create. A frozen instance does not get it; its methods throw. */
export function giveService(instance: object, connection: string, service: unknown): void {
  Reflect.set(instance, lockServiceProperty(connection), service);
}

/** Sets the cache on an instance that Nest did not create. */
export function giveCache(instance: object, cache: object): void {
  Reflect.set(instance, LOCK_CACHE, cache);
}

/** @throws LockConfigError if the instance has no service: its method must not run without its lock */
export function serviceOf(instance: unknown, connection: string, title: string): LockService {
  const service: unknown =
    typeof instance === 'object' && instance !== null
      ? Reflect.get(instance, lockServiceProperty(connection))
      : undefined;
  if (service !== undefined) return service as LockService;
  throw new LockConfigError(
    `${title} was not run: it needs a lock, and its instance has no lock service. Nest sets the service after the ` +
      `constructor; instances from a factory or "useValue" get it in app.init(), unless they are request-scoped or transient. ` +
      `Was the instance created with "new", or was the method called before app.init() or without its instance? ` +
      FROM_A_CONTAINER,
  );
}

/** Advice for tests of a class with locked methods. */
const FROM_A_CONTAINER =
  "In a test, use withLocks(instance, createTestLockService()) of 'nestjs-redis-lock/testing', or get the instance from a " +
  'module and call init() first.';
