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

/** Classes, besides controllers, whose handlers Nest calls through interceptors. */
const RUNS_INTERCEPTORS = ['websockets:is_gateway', 'graphql:resolver_type', 'graphql:resolver_name'];

/** What a lock module does at the start and at the shutdown of its app. */
export class LockLifecycle implements OnModuleInit, BeforeApplicationShutdown, OnApplicationShutdown {
  constructor(
    private readonly connection: string,
    // A test may have put something in the service's place that has no more than it needs.
    private readonly service: Partial<Pick<LockService, 'refuse' | 'close'>>,
    private readonly discovery: DiscoveryService,
    private readonly contexts: ExternalContextCreator,
    private readonly logger: LockLogger | false | undefined,
  ) {
    // Nest takes the handlers before the first hook. A subclass inherits the locks of a class, not its watched handlers.
    for (const type of this.classes()) if (locksOf(type).length > 0) watchHandlers(type.prototype);
  }

  /** @throws LockConfigError if there is a class on which `@UseLock` would be without effect */
  onModuleInit(): void {
    const providers = this.instancesThatLock(this.discovery.getProviders());
    for (const { constructor } of providers) refuseWithoutInterceptors(constructor);
    // Nest injects no properties into what a factory made or `useValue` holds.
    for (const instance of [...providers, ...this.instancesThatLock(this.discovery.getControllers())]) {
      giveService(instance, this.connection, this.service);
    }
    warnOfOuterInterceptors(this.connection, this.classes(), this.contexts, this.logger);
  }

  /** Requests that have begun are still finishing after this: they keep the locks they have. */
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
      // Not the instance itself is asked: it may be a proxy that answers only inside of a request.
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
