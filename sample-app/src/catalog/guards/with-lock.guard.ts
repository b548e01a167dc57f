import { Inject, Injectable } from '@nestjs/common';
import { WithLock } from 'nestjs-redis-lock';
import { CatalogBuilder } from '../catalog-builder.js';
import { CatalogCache } from '../catalog-cache.js';
import type { RebuildGuard } from './rebuild-guard.js';

/** One rebuild of a section at a time, over all replicas. */
@Injectable()
export class WithLockGuard implements RebuildGuard {
  constructor(
    @Inject(CatalogCache) private readonly cache: CatalogCache,
    @Inject(CatalogBuilder) private readonly builder: CatalogBuilder,
  ) {}

  @WithLock('catalog:<0>')
  async rebuild(section: string): Promise<string> {
    // Whoever had the lock before us has most likely filled the cache.
    return (await this.cache.get(section)) ?? (await this.builder.build(section));
  }
}
