import type { LockServiceOptions, LockSettings } from '../options/service-options.js';
import { LOCK_CONNECT, LOCK_MODULE_OPTIONS } from '../tokens.js';
import { testLockServiceFor } from './create-test-lock-service.js';

/**
 * The part of Nest's `TestingModuleBuilder` that `overrideLocks` needs.
 *
 * @publicApi
 */
export interface ProviderOverrides {
  overrideProvider(token: symbol): { useValue(value: unknown): unknown };
}

/**
 * Replaces the services of all `RedisLockModule`s of a testing module by test lock services: no connection to Redis is
 * opened. Each connection has locks of its own, and keeps the settings of its module (`wait`, `lease`, …). Get a service
 * with `module.get<TestLockService>(LockService)`, or with `getLockServiceToken(connection)` if it has a name.
 *
 * A client of yours that the options of a module refer to (`{ client }`) is yours: override its provider.
 *
 * @param settings replace the options of the modules, whose `useFactory`, `useClass` and `useExisting` do not run then
 * @returns the builder
 * @publicApi
 */
export function overrideLocks<Builder extends ProviderOverrides>(builder: Builder, settings?: LockSettings): Builder {
  const connect = (options: LockServiceOptions) => Promise.resolve(testLockServiceFor(options));
  builder.overrideProvider(LOCK_CONNECT).useValue(connect);
  if (settings !== undefined) {
    builder.overrideProvider(LOCK_MODULE_OPTIONS).useValue({ ...settings, memory: true });
  }
  return builder;
}
