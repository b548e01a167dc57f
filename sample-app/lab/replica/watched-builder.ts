import { Injectable } from '@nestjs/common';
import { currentLease } from 'nestjs-redis-lock';
import { CatalogBuilder } from '../../shop/catalog/catalog-builder.js';
import { CatalogCache } from '../../shop/catalog/catalog-cache.js';
import type { VersionedCatalog } from '../../shop/catalog/catalog-cache.js';
import { CategoryRepository } from '../../shop/catalog/category.repository.js';
import { LiveRecorder } from '../live/live-recorder.js';

/** Reports the start and the end of each rebuild to the live page. */
@Injectable()
export class WatchedBuilder extends CatalogBuilder {
  constructor(
    cache: CatalogCache,
    categories: CategoryRepository,
    private readonly recorder: LiveRecorder,
  ) {
    super(cache, categories);
  }

  override async build(section: string): Promise<VersionedCatalog> {
    const began = performance.now();
    this.recorder.rebuildBegan(section, currentLease()?.token ?? null);
    let failed = true;
    try {
      const built = await super.build(section);
      failed = false;
      return built;
    } finally {
      this.recorder.rebuildEnded(section, performance.now() - began, failed);
    }
  }
}
