import { Injectable } from '@nestjs/common';
import { CatalogCache } from './catalog-cache.js';
import type { VersionedCatalog } from './catalog-cache.js';
import { categoryTrees } from './category-tree.js';
import { CategoryRepository } from './category.repository.js';

/** Builds an entry of the catalog from the database and caches it. The caller holds the lock of the section. */
@Injectable()
export class CatalogBuilder {
  constructor(
    private readonly cache: CatalogCache,
    private readonly categories: CategoryRepository,
  ) {}

  async build(section: string): Promise<VersionedCatalog> {
    await this.cache.open(section);
    const { version, rows } = await this.categories.read(section);
    const built = { version, json: JSON.stringify(categoryTrees(rows)) };
    // Cached also when a category changed meanwhile: it is the newest value there is, under the version it has.
    await this.cache.put(section, built);
    return built;
  }
}
