import type { BeforeApplicationShutdown, OnApplicationShutdown, OnModuleInit } from '@nestjs/common';
import type { DiscoveryService } from '@nestjs/core';
import 'reflect-metadata';
import { LockConfigError } from '../errors/index.js';
import type { LockService } from '../lock.service.js';
import { LOCKED_CLASS } from '../tokens.js';
import { giveService, usesConnection } from './injected-service.js';

/** Classes, besides controllers, whose handlers Nest calls through interceptors. */
const RUNS_INTERCEPTORS = ['websockets:is_gateway', 'graphql:resolver_type', 'graphql:resolver_name'];

/** What a lock module does at the start and at the shutdown of its app. */
export class LockLifecycle implements OnModuleInit, BeforeApplicationShutdown, OnApplicationShutdown {
  constructor(
    private readonly connection: string,
    // A test may have put something in the service's place that has no more than it needs.
    private readonly service: Partial<Pick<LockService, 'refuse' | 'close'>>,
    private readonly discovery: DiscoveryService,
  ) {}

  /** @throws LockConfigError if there is a class on which `@UseLock` would be without effect */
  onModuleInit(): void {
    const providers = this.instancesThatLock(this.discovery.getProviders());
    for (const { constructor } of providers) refuseWithoutInterceptors(constructor);
    // Nest injects no properties into what a factory made or `useValue` holds.
    for (const instance of [...providers, ...this.instancesThatLock(this.discovery.getControllers())]) {
      giveService(instance, this.connection, this.service);
    }
  }

  /** Requests that have begun are still finishing after this: they keep the locks they have. */
  beforeApplicationShutdown(): void {
    this.service.refuse?.();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.service.close?.();
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
