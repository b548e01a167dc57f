import { Inject, Injectable } from '@nestjs/common';
import type { Redis } from 'ioredis';
import { LockService, SingleFlightCache } from 'nestjs-redis-lock';
import { REDIS } from '../../shop/cache/redis.js';
import { CatalogBuilder } from '../../shop/catalog/catalog-builder.js';
import { CatalogCache } from '../../shop/catalog/catalog-cache.js';
import type { VersionedCatalog } from '../../shop/catalog/catalog-cache.js';

const ttlMs = 60_000;

/** The rebuild of the catalog as a single flight: readers in all replicas get the value, and take no lock. */
@Injectable()
export class CatalogFlights {
  private readonly flights: SingleFlightCache;
  /** Of the catalogs that this process has built last, by key. */
  private readonly versions = new Map<string, number>();

  constructor(
    locks: LockService,
    private readonly entries: CatalogCache,
    private readonly builder: CatalogBuilder,
    @Inject(REDIS) private readonly redis: Redis,
  ) {
    this.flights = new SingleFlightCache(
      locks,
      {
        get: (key) => this.read(key),
        set: (key, value, ttl) => this.write(key, value, ttl),
        delete: (key) => this.redis.del(entryKey(key)),
      },
      { ttl: ttlMs },
    );
  }

  rebuild(section: string): Promise<VersionedCatalog> {
    const key = `catalog:${section}`;
    return this.flights.get(key, async () => {
      const built = await this.builder.build(section);
      this.versions.set(key, built.version);
      return built;
    });
  }

  private write(key: string, value: unknown, ttl: number): Promise<unknown> {
    const stored = { version: this.versions.get(key) ?? 0, value };
    return this.redis.set(entryKey(key), JSON.stringify(stored), 'PX', ttl);
  }

  /** The shop's own cache knows of changes: without a current entry there, or with a newer one, a value counts as missing. */
  private async read(key: string): Promise<unknown> {
    const [text, cached] = await Promise.all([
      this.redis.get(entryKey(key)),
      this.entries.get(key.slice('catalog:'.length)),
    ]);
    if (text === null || cached?.current !== true) return undefined;
    const stored = JSON.parse(text) as { version: number; value: unknown };
    return stored.version < cached.version ? undefined : stored.value;
  }
}

function entryKey(key: string): string {
  return `catalogFlight:${key}`;
}
