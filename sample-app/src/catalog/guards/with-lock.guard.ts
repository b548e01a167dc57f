import { Inject, Injectable } from '@nestjs/common';
import { WithLock } from 'nestjs-redis-lock';
import { CatalogBuilder } from '../catalog-builder.js';
import { CatalogCache } from '../catalog-cache.js';
import type { RebuildGuard } from './rebuild-guard.js';

/** One rebuild of a section at a time, over all replicas. */
@Injectable()
export class WithLockGuard implements RebuildGuard {
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
  async rebuildAlone(section: string): Promise<string> {
    // Whoever had the lock before us has most likely filled the cache.
    return (await this.cache.get(section)) ?? (await this.builder.build(section));
  }
}
