import { Inject, Injectable } from '@nestjs/common';
import { WithLock } from 'nestjs-redis-lock';
import { CatalogBuilder } from './catalog-builder.js';
import { CatalogCache } from './catalog-cache.js';

/** What follows a cache miss: one rebuild of a section at a time, over all replicas. */
@Injectable()
export class CatalogRebuild {
  private readonly running = new Map<string, Promise<string>>();

  constructor(
    @Inject(CatalogCache) private readonly cache: CatalogCache,
    @Inject(CatalogBuilder) private readonly builder: CatalogBuilder,
  ) {}

  /** Readers of one replica share what the first of them is at: they need the lock once, not one after another. */
  rebuild(section: string): Promise<string> {
    const known = this.running.get(section);
    if (known !== undefined) return known;
    const rebuild = this.rebuildAlone(section).finally(() => this.running.delete(section));
    this.running.set(section, rebuild);
    return rebuild;
  }

  @WithLock('catalog:<0>')
  rebuildAlone(section: string): Promise<string> {
    return this.rebuildUnlessCached(section);
  }

  /** Whoever had the lock before has most likely filled the cache. */
  protected async rebuildUnlessCached(section: string): Promise<string> {
    return (await this.cache.get(section)) ?? (await this.builder.build(section));
  }
}
