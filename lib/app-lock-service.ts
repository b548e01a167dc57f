import { Inject, Logger } from '@nestjs/common';
import type { DiscoveryService, ModuleRef, ModulesContainer } from '@nestjs/core';
import type { connectLockService } from './create-lock-service.js';
import { LockConfigError } from './errors/index.js';
import { LockService } from './lock.service.js';
import type { LockServiceOptions } from './options/service-options.js';
import { DEFAULT_CONNECTION, getLockServiceToken, LOCK_CONNECTION_NAME } from './tokens.js';

/** The parts of an app that the provider of its lock service needs. */
export interface AppParts {
  readonly container: ModulesContainer;
  readonly discovery: DiscoveryService;
  readonly moduleRef: ModuleRef;
  /** Creates the service. */
  readonly connect: typeof connectLockService;
}

/**
 * The services by app. Nest may call a provider's factory more than once: for each request, or when a module is lazily
 * loaded again.
 */
const services = new WeakMap<ModulesContainer, Map<string, Promise<LockService>>>();

/**
 * Returns the lock service of a connection. An app has one service for each connection name.
 *
 * @throws LockConfigError if the module is registered twice under this name, or its options are request-scoped
 */
export async function appLockService(
  connection: string,
  options: LockServiceOptions,
  { container, discovery, moduleRef, connect }: AppParts,
): Promise<LockService> {
  refuseDoubles(connection, discovery);
  refuseRequestScope(connection, discovery);
  if (isReplaced(connection, discovery)) return (await moduleRef.create(Replacement)).service;
  const ofApp = services.get(container) ?? new Map<string, Promise<LockService>>();
  services.set(container, ofApp);
  const known = ofApp.get(connection);
  if (known !== undefined) return known;
  const connecting = connect(withLogger(options, connection));
  ofApp.set(connection, connecting);
  try {
    return await connecting;
  } catch (error) {
    ofApp.delete(connection);
    throw error;
  }
}

/** Sets Nest's `Logger` as the logger, unless the options have one. */
export function withLogger(options: LockServiceOptions, connection: string): LockServiceOptions {
  if (options.logger !== undefined) return options;
  const context = connection === DEFAULT_CONNECTION ? 'RedisLockModule' : `RedisLockModule:${connection}`;
  return { ...options, logger: new Logger(context) };
}

/**
 * @throws LockConfigError if the options are request-scoped: Nest would create a service with its own connections for
 *   each request
 */
export function refuseRequestScope(connection: string, discovery: DiscoveryService): void {
  const token = getLockServiceToken(connection);
  const provider = discovery.getProviders().find((each) => each.token === token);
  if (provider?.isDependencyTreeStatic() !== false) return;
  throw new LockConfigError(
    `The options of RedisLockModule ${named(connection)} come from a request-scoped provider: each request would open ` +
      `its own connections. Let "useFactory", "useClass" or "useExisting" depend only on providers of the default ` +
      `scope. To separate tenants, put the tenant into the lock's name.`,
  );
}

/** Two services under one name are rejected, since it would be undefined which of them is injected. */
function refuseDoubles(connection: string, discovery: DiscoveryService): void {
  const same = discovery
    .getProviders()
    .filter(({ token, instance }) => token === LOCK_CONNECTION_NAME && instance === connection);
  if (same.length < 2) return;
  throw new LockConfigError(
    `RedisLockModule is registered ${String(same.length)} times ${named(connection)}. Register it once, in the root ` +
      `module, and give each additional connection its own "name".`,
  );
}

function named(connection: string): string {
  return connection === DEFAULT_CONNECTION ? 'without a name' : `with the name "${connection}"`;
}

/** Whether a test has overridden `LockService`, which otherwise is an alias of the token. */
function isReplaced(connection: string, discovery: DiscoveryService): boolean {
  if (connection !== DEFAULT_CONNECTION) return false;
  const byClass = discovery.getProviders().find(({ token }) => token === LockService);
  return byClass !== undefined && byClass.inject?.[0] !== getLockServiceToken(connection);
}

class Replacement {
  constructor(@Inject(LockService) readonly service: LockService) {}
}
