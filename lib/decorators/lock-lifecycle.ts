import type { BeforeApplicationShutdown, OnApplicationShutdown, OnModuleInit } from '@nestjs/common';
import type { DiscoveryService, ExternalContextCreator } from '@nestjs/core';
import 'reflect-metadata';
import { LockConfigError } from '../errors/index.js';
import type { LockService } from '../lock.service.js';
import type { LockLogger } from '../telemetry/lock-logger.js';
import { LOCKED_CLASS } from '../tokens.js';
import { watchHandlers } from './decorated-method.js';
import { locksOf } from './handler-locks.js';
import { giveService, usesConnection } from './injected-service.js';
import { warnOfOuterInterceptors } from './outer-interceptors.js';

/** Metadata keys of the classes, besides controllers, whose handlers Nest calls through interceptors. */
const RUNS_INTERCEPTORS = ['websockets:is_gateway', 'graphql:resolver_type', 'graphql:resolver_name'];

/** The lifecycle hooks of a lock module. */
export class LockLifecycle implements OnModuleInit, BeforeApplicationShutdown, OnApplicationShutdown {
  constructor(
    private readonly connection: string,
    // A test may replace the service by an object without these methods.
    private readonly service: Partial<Pick<LockService, 'refuse' | 'close'>>,
    private readonly discovery: DiscoveryService,
    private readonly contexts: ExternalContextCreator,
    private readonly logger: LockLogger | false | undefined,
  ) {
    // In the constructor, since Nest reads the handlers before the first hook. A subclass inherits the locks of a
    // class, but not its wrapped handlers.
    for (const type of this.classes()) if (locksOf(type).length > 0) watchHandlers(type.prototype);
  }

  /** @throws LockConfigError if `@UseLock` has no effect on a class of the app */
  onModuleInit(): void {
    const providers = this.instancesThatLock(this.discovery.getProviders());
    for (const { constructor } of providers) refuseWithoutInterceptors(constructor);
    // Nest injects no properties into instances from a factory or `useValue`.
    for (const instance of [...providers, ...this.instancesThatLock(this.discovery.getControllers())]) {
      giveService(instance, this.connection, this.service);
    }
    warnOfOuterInterceptors(this.connection, this.classes(), this.contexts, this.logger);
  }

  /** Requests in progress continue after this hook and keep their locks. */
  beforeApplicationShutdown(): void {
    this.service.refuse?.();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.service.close?.();
  }

  private classes(): NestClass[] {
    const wrappers = [...this.discovery.getControllers(), ...this.discovery.getProviders()];
    return [...new Set<unknown>(wrappers.map(({ metatype }) => metatype))].filter(isClass);
  }

  private instancesThatLock(wrappers: readonly { readonly instance: unknown }[]): object[] {
    return wrappers.flatMap(({ instance }) => {
      if (typeof instance !== 'object' || instance === null) return [];
      // Reads the prototype, since the instance may be a proxy that works only during a request.
      const prototype: unknown = Object.getPrototypeOf(instance);
      const locks = typeof prototype === 'object' && prototype !== null && usesConnection(prototype, this.connection);
      return locks ? [instance] : [];
    });
  }
}

function refuseWithoutInterceptors(type: object): void {
  if (Reflect.getMetadata(LOCKED_CLASS, type) !== true) return;
  if (RUNS_INTERCEPTORS.some((key) => Reflect.hasMetadata(key, type))) return;
  throw new LockConfigError(
    `@UseLock has no effect on the class ${(type as { name?: string }).name ?? ''}: Nest runs interceptors only for ` +
      `controllers, resolvers and gateways. Put @WithLock, or @UseLock, on its methods.`,
  );
}

interface NestClass {
  readonly prototype: object;
}

function isClass(type: unknown): type is NestClass {
  const prototype: unknown = typeof type === 'function' ? type.prototype : undefined;
  return typeof prototype === 'object' && prototype !== null;
}
