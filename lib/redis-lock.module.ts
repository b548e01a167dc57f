import {
  Module,
  type DynamicModule,
  type FactoryProvider,
  type InjectionToken,
  type ModuleMetadata,
  type OnModuleInit,
  type Provider,
  type Type,
} from '@nestjs/common';
import { DiscoveryModule, DiscoveryService, ExternalContextCreator, ModuleRef, ModulesContainer } from '@nestjs/core';
import { appLockService, refuseRequestScope, withLogger } from './app-lock-service.js';
import { CoordinationLifecycle } from './coordination/coordination-lifecycle.js';
import { connectLockService } from './create-lock-service.js';
import { checkConnection } from './decorators/decorator-options.js';
import { LockLifecycle } from './decorators/lock-lifecycle.js';
import { LockConfigError } from './errors/index.js';
import { LockService } from './lock.service.js';
import { resolveSettings, type LockServiceOptions } from './options/service-options.js';
import {
  DEFAULT_CONNECTION,
  getLockServiceToken,
  LOCK_CONNECT,
  LOCK_CONNECTION_NAME,
  LOCK_COORDINATION,
  LOCK_LIFECYCLE,
  LOCK_MODULE_OPTIONS,
  LOCK_SCOPE_CHECK,
} from './tokens.js';

/** How a `RedisLockModule` is registered. */
export interface RedisLockRegistration {
  /** The name of the connection, in apps with several. `@WithLock(…, { connection: name })` uses it. */
  readonly name?: string;
  /** Whether all modules of the app can use it without an import. Default `true`. */
  readonly isGlobal?: boolean;
}

/**
 * Options of `RedisLockModule.forRoot`.
 *
 * @publicApi
 */
export type RedisLockModuleOptions = LockServiceOptions & RedisLockRegistration;

/**
 * A class that creates the options, for `useClass` and `useExisting`.
 *
 * @publicApi
 */
export interface RedisLockOptionsFactory {
  createRedisLockOptions(): LockServiceOptions | Promise<LockServiceOptions>;
}

/**
 * Options of `RedisLockModule.forRootAsync`: exactly one of `useFactory`, `useClass` and `useExisting`. `name` and
 * `isGlobal` are given here, since they are needed before the options are created.
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
 * With `startup: 'require'`, the default, start-up fails with `LockUnavailableError` if Redis cannot be reached. At
 * shutdown, the module first refuses new locks, then waits for running sections, and last closes the connections that
 * it opened.
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
    { provide: LOCK_CONNECT, useValue: connectLockService },
    {
      provide: token,
      inject: [LOCK_MODULE_OPTIONS, ModulesContainer, DiscoveryService, ModuleRef, LOCK_CONNECT],
      useFactory: (
        lockOptions: LockServiceOptions,
        container: ModulesContainer,
        discovery: DiscoveryService,
        moduleRef: ModuleRef,
        connect: typeof connectLockService,
      ) => appLockService(connection, lockOptions, { container, discovery, moduleRef, connect }),
    },
    {
      provide: LOCK_LIFECYCLE,
      inject: [token, DiscoveryService, ExternalContextCreator, LOCK_MODULE_OPTIONS],
      useFactory: (
        service: LockService,
        discovery: DiscoveryService,
        contexts: ExternalContextCreator,
        lockOptions: LockServiceOptions,
      ) => new LockLifecycle(connection, service, discovery, contexts, withLogger(lockOptions, connection).logger),
    },
    {
      provide: LOCK_COORDINATION,
      inject: [token, DiscoveryService],
      useFactory: (service: LockService, discovery: DiscoveryService) =>
        new CoordinationLifecycle(connection, service, discovery),
    },
    {
      // Depends on nothing that could be request-scoped, so that Nest always makes it at start-up.
      provide: LOCK_SCOPE_CHECK,
      inject: [DiscoveryService],
      useFactory: (discovery: DiscoveryService): OnModuleInit => ({
        onModuleInit: () => {
          refuseRequestScope(connection, discovery);
        },
      }),
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
    useFactory: optionsOf,
    inject: [factory],
  };
  return useClass === undefined ? [provider] : [{ provide: useClass, useClass }, provider];
}

function optionsOf(factory: Partial<RedisLockOptionsFactory>): LockServiceOptions | Promise<LockServiceOptions> {
  if (factory.createRedisLockOptions !== undefined) return factory.createRedisLockOptions();
  throw new LockConfigError(
    'The class of "useClass" or "useExisting" must have a method createRedisLockOptions(), which replaces createLockOptions().',
  );
}
