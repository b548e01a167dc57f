import { Inject, Injectable } from '@nestjs/common';
import { WithLock } from 'nestjs-redis-lock';
import { CatalogBuilder } from './catalog-builder.js';
import { CatalogCache } from './catalog-cache.js';

/** What follows a cache miss: one rebuild of a section at a time, over all replicas. */
@Injectable()
export class CatalogRebuild {
  /** Rebuilds that do not have the lock yet. */
  private readonly waiting = new Map<string, Promise<string>>();

  constructor(
    @Inject(CatalogCache) private readonly cache: CatalogCache,
    @Inject(CatalogBuilder) private readonly builder: CatalogBuilder,
  ) {}

  /**
   * Readers of one replica wait for the lock once, not one after another. They share until it is got: what the rebuild
   * reads from then on may be older than the question of who comes later, and they share the next one.
   */
  rebuild(section: string): Promise<string> {
    const known = this.waiting.get(section);
    if (known !== undefined) return known;
    const rebuild = this.rebuildAlone(section).finally(() => {
      // Without the lock it is still there. By now it can also be the next one.
      if (this.waiting.get(section) === rebuild) this.waiting.delete(section);
    });
    this.waiting.set(section, rebuild);
    return rebuild;
  }

  @WithLock('catalog:<0>')
  rebuildAlone(section: string): Promise<string> {
    this.waiting.delete(section);
    return this.rebuildUnlessCached(section);
  }

  /** Whoever had the lock before has most likely filled the cache. */
  protected async rebuildUnlessCached(section: string): Promise<string> {
    return (await this.cache.get(section)) ?? (await this.builder.build(section));
  }
}
