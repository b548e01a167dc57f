import {
  Logger,
  Module,
  type DynamicModule,
  type FactoryProvider,
  type InjectionToken,
  type ModuleMetadata,
  type Provider,
  type Type,
} from '@nestjs/common';
import { DiscoveryModule, DiscoveryService, ExternalContextCreator } from '@nestjs/core';
import { connectLockService } from './create-lock-service.js';
import { checkConnection } from './decorators/decorator-options.js';
import { LockLifecycle } from './decorators/lock-lifecycle.js';
import { LockConfigError } from './errors/index.js';
import { LockService } from './lock.service.js';
import { resolveSettings, type LockServiceOptions } from './module-options.js';
import {
  DEFAULT_CONNECTION,
  getLockServiceToken,
  LOCK_CONNECTION_NAME,
  LOCK_LIFECYCLE,
  LOCK_MODULE_OPTIONS,
} from './tokens.js';

/** How a lock module is registered. */
export interface RedisLockRegistration {
  /** The name of the connection, for apps with several. `@WithLock(…, { connection: name })` asks for it. */
  readonly name?: string;
  /** Whether all modules of the app can use it. Default `true`. */
  readonly isGlobal?: boolean;
}

/**
 * Options of `RedisLockModule.forRoot`.
 *
 * @publicApi
 */
export type RedisLockModuleOptions = LockServiceOptions & RedisLockRegistration;

/**
 * A class that makes the options, for `useClass` and `useExisting`.
 *
 * @publicApi
 */
export interface RedisLockOptionsFactory {
  createLockOptions(): LockServiceOptions | Promise<LockServiceOptions>;
}

/**
 * Options of `RedisLockModule.forRootAsync`: exactly one of `useFactory`, `useClass` and `useExisting`. `name` and
 * `isGlobal` stand beside it, since they are needed before it has run.
 *
 * @publicApi
 */
export interface RedisLockModuleAsyncOptions extends RedisLockRegistration, Pick<ModuleMetadata, 'imports'> {
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- the arguments are what `inject` names
  readonly useFactory?: (...args: any[]) => LockServiceOptions | Promise<LockServiceOptions>;
  readonly inject?: FactoryProvider['inject'];
  readonly useClass?: Type<RedisLockOptionsFactory>;
  readonly useExisting?: InjectionToken<RedisLockOptionsFactory>;
}

/**
 * Distributed locks on Redis for an app.
 *
 * With a `startup` of `require`, which is the default, start-up fails with `LockUnavailableError` if Redis cannot be
 * reached. At shutdown new locks are refused first, running sections are waited for, and connections that the module
 * opened itself are closed last.
 *
 * @publicApi
 */
@Module({})
export class RedisLockModule {
  /** @throws LockConfigError if an option cannot be used */
  static forRoot(options: RedisLockModuleOptions): DynamicModule {
    const { name, isGlobal, ...lockOptions } = options;
    resolveSettings(lockOptions);
    return register({ name, isGlobal }, [{ provide: LOCK_MODULE_OPTIONS, useValue: lockOptions }]);
  }

  /** @throws LockConfigError if an option cannot be used; what the factory returns is checked when the app starts */
  static forRootAsync(options: RedisLockModuleAsyncOptions): DynamicModule {
    return register(options, asyncOptions(options), options.imports);
  }
}

function register(
  { name, isGlobal = true }: RedisLockRegistration,
  options: readonly Provider[],
  imports: ModuleMetadata['imports'] = [],
): DynamicModule {
  const connection = checkConnection('name', name);
  const token = getLockServiceToken(connection);
  const providers: Provider[] = [
    ...options,
    { provide: LOCK_CONNECTION_NAME, useValue: connection },
    {
      provide: token,
      inject: [LOCK_MODULE_OPTIONS, DiscoveryService],
      useFactory: (lockOptions: LockServiceOptions, discovery: DiscoveryService) => {
        refuseDoubles(connection, discovery);
        return connectLockService(withLogger(lockOptions, connection));
      },
    },
    {
      provide: LOCK_LIFECYCLE,
      inject: [token, DiscoveryService, ExternalContextCreator],
      useFactory: (service: LockService, discovery: DiscoveryService, contexts: ExternalContextCreator) =>
        new LockLifecycle(connection, service, discovery, contexts),
    },
  ];
  if (connection === DEFAULT_CONNECTION) providers.push({ provide: LockService, useExisting: token });
  return {
    module: RedisLockModule,
    global: isGlobal,
    imports: [DiscoveryModule, ...imports],
    providers,
    exports: connection === DEFAULT_CONNECTION ? [token, LockService] : [token],
  };
}

/** Warnings go to the app's own log unless the options say otherwise. */
function withLogger(options: LockServiceOptions, connection: string): LockServiceOptions {
  if (options.logger !== undefined) return options;
  const context = connection === DEFAULT_CONNECTION ? 'RedisLockModule' : `RedisLockModule:${connection}`;
  return { ...options, logger: new Logger(context) };
}

function asyncOptions({ useFactory, inject = [], useClass, useExisting }: RedisLockModuleAsyncOptions): Provider[] {
  const given = [useFactory, useClass, useExisting].filter((each) => each !== undefined);
  if (given.length !== 1) {
    throw new LockConfigError(
      'RedisLockModule.forRootAsync needs exactly one of useFactory, useClass and useExisting.',
    );
  }
  if (useFactory !== undefined) return [{ provide: LOCK_MODULE_OPTIONS, useFactory, inject }];
  const factory = (useClass ?? useExisting) as InjectionToken;
  const provider: Provider = {
    provide: LOCK_MODULE_OPTIONS,
    useFactory: (made: RedisLockOptionsFactory) => made.createLockOptions(),
    inject: [factory],
  };
  return useClass === undefined ? [provider] : [{ provide: useClass, useClass }, provider];
}

/** With two services under one name it would be chance which of them a provider gets. */
function refuseDoubles(connection: string, discovery: DiscoveryService): void {
  const same = discovery
    .getProviders()
    .filter(({ token, instance }) => token === LOCK_CONNECTION_NAME && instance === connection);
  if (same.length < 2) return;
  const which = connection === DEFAULT_CONNECTION ? 'without a name' : `with the name "${connection}"`;
  throw new LockConfigError(
    `RedisLockModule is registered ${String(same.length)} times ${which}. Register it once, in the root module, and give ` +
      `every further connection a "name" of its own.`,
  );
}
