import { Inject, Injectable } from '@nestjs/common';
import { Redis } from 'ioredis';
import { REDIS } from '../../shop/cache/redis.js';
import { CatalogCache } from '../../shop/catalog/catalog-cache.js';
import type { CachedCatalog } from '../../shop/catalog/catalog-cache.js';
import { SHOP_CONFIG } from '../../shop/config/config.js';
import type { ShopConfig } from '../../shop/config/config.js';
import { LiveRecorder } from '../live/live-recorder.js';

/** Counts hits and misses of readers. A rebuild that checks the cache again uses the shop's own cache. */
@Injectable()
export class WatchedCache extends CatalogCache {
  constructor(
    @Inject(REDIS) redis: Redis,
    @Inject(SHOP_CONFIG) config: ShopConfig,
    private readonly recorder: LiveRecorder,
  ) {
    super(redis, config);
  }

  override async get(section: string): Promise<CachedCatalog | null> {
    const cached = await super.get(section);
    this.recorder.counts.cacheAsked(cached !== null);
    return cached;
  }
}
