import { Inject, Injectable } from '@nestjs/common';
import { currentLease } from 'nestjs-redis-lock';
import { CatalogCache } from './catalog-cache.js';
import { catalogChannels } from './catalog-channels.js';
import type { RebuildMessage } from './catalog-channels.js';
import { categoryTrees } from './category-tree.js';
import { CategoryRepository } from './category.repository.js';
import { RebuildRepository } from './rebuild.repository.js';

const mostTries = 3;

/** Builds an entry of the catalog from the database and caches it. Whether it may run now is the lock's business. */
@Injectable()
export class CatalogBuilder {
  constructor(
    @Inject(CatalogCache) private readonly cache: CatalogCache,
    @Inject(CategoryRepository) private readonly categories: CategoryRepository,
    @Inject(RebuildRepository) private readonly rebuilds: RebuildRepository,
  ) {}

  async build(section: string): Promise<string> {
    const token = currentLease()?.token ?? null;
    const began = performance.now();
    const report = (ms: number | null, failed: boolean): void => {
      const message: RebuildMessage = { section, token, ms, failed };
      catalogChannels.rebuild.publish(message);
    };
    report(null, false);
    try {
      const json = await this.buildCurrent(section);
      report(performance.now() - began, false);
      return json;
    } catch (error) {
      report(performance.now() - began, true);
      throw error;
    }
  }

  private async buildCurrent(section: string): Promise<string> {
    for (let attempt = 1; ; attempt += 1) {
      const lease = currentLease();
      const version = await this.cache.version(section);
      const rebuild = await this.rebuilds.begin(section, lease?.token ?? null);
      const json = JSON.stringify(categoryTrees(await this.categories.read(section)));
      await this.rebuilds.end(rebuild);

      // Whoever holds the lock by now has read newer rows than we have.
      lease?.assertHeld();
      const written = await this.cache.put(section, json, version);
      // A category changed while we read. After a few times the readers get what there is. It is not older than what
      // they asked for, since all of them asked before we had the lock. It stays out of the cache.
      if (written || attempt === mostTries) return json;
    }
  }
}
