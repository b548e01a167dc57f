import type { BeforeApplicationShutdown, OnApplicationShutdown, OnModuleInit } from '@nestjs/common';
import type { DiscoveryService } from '@nestjs/core';
import 'reflect-metadata';
import type { LockService } from '../lock.service.js';
import { LOCK_CONNECTIONS, lockServiceProperty } from '../tokens.js';

/** What a lock module does at the start and at the shutdown of its app. */
export class LockLifecycle implements OnModuleInit, BeforeApplicationShutdown, OnApplicationShutdown {
  constructor(
    private readonly connection: string,
    // A test may have put something in the service's place that has no more than it needs.
    private readonly service: Partial<Pick<LockService, 'refuse' | 'close'>>,
    private readonly discovery: DiscoveryService,
  ) {}

  /** Nest injects no properties into what a factory made or `useValue` holds. */
  onModuleInit(): void {
    const property = lockServiceProperty(this.connection);
    for (const { instance } of [...this.discovery.getProviders(), ...this.discovery.getControllers()]) {
      if (!usesConnection(instance, this.connection)) continue;
      // A frozen instance stays without; its methods say so when they are called.
      Reflect.set(instance, property, this.service);
    }
  }

  /** Requests that have begun are still finishing after this: they keep the locks they have. */
  beforeApplicationShutdown(): void {
    this.service.refuse?.();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.service.close?.();
  }
}

/** Asks the prototype, not the instance: a provider may be a proxy that answers only inside of a request. */
function usesConnection(instance: unknown, connection: string): instance is object {
  if (typeof instance !== 'object' || instance === null) return false;
  const prototype: unknown = Object.getPrototypeOf(instance);
  if (typeof prototype !== 'object' || prototype === null) return false;
  const known: unknown = Reflect.getMetadata(LOCK_CONNECTIONS, prototype);
  return Array.isArray(known) && known.includes(connection);
}
