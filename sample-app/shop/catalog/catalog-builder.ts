import { Inject, Injectable } from '@nestjs/common';
import { currentLease } from 'nestjs-redis-lock';
import { CatalogCache } from './catalog-cache.js';
import type { VersionedCatalog } from './catalog-cache.js';
import { catalogChannels } from './catalog-channels.js';
import type { RebuildMessage } from './catalog-channels.js';
import { categoryTrees } from './category-tree.js';
import { CategoryRepository } from './category.repository.js';
import { RebuildRepository } from './rebuild.repository.js';

/** Builds an entry of the catalog from the database and caches it. Whether it may run now is the lock's business. */
@Injectable()
export class CatalogBuilder {
  constructor(
    @Inject(CatalogCache) private readonly cache: CatalogCache,
    @Inject(CategoryRepository) private readonly categories: CategoryRepository,
    @Inject(RebuildRepository) private readonly rebuilds: RebuildRepository,
  ) {}

  async build(section: string): Promise<VersionedCatalog> {
    const token = currentLease()?.token ?? null;
    const began = performance.now();
    const report = (ms: number | null, failed: boolean): void => {
      const message: RebuildMessage = { section, token, ms, failed };
      catalogChannels.rebuild.publish(message);
    };
    report(null, false);
    try {
      const built = await this.buildAndCache(section, token);
      report(performance.now() - began, false);
      return built;
    } catch (error) {
      report(performance.now() - began, true);
      throw error;
    }
  }

  private async buildAndCache(section: string, token: number | null): Promise<VersionedCatalog> {
    await this.cache.open(section);
    const rebuild = await this.rebuilds.begin(section, token);
    const { version, rows } = await this.categories.read(section);
    await this.rebuilds.end(rebuild);
    const built = { version, json: JSON.stringify(categoryTrees(rows)) };
    // Cached also when a category changed meanwhile: it is the newest value there is, under the version it has.
    await this.cache.put(section, built);
    return built;
  }
}
