import { Inject, Injectable, NotFoundException } from '@nestjs/common';
import { LockBusyError } from 'nestjs-redis-lock';
import type { Category } from '../database/schema.js';
import { CatalogCache } from './catalog-cache.js';
import { catalogChannels } from './catalog-channels.js';
import type { CacheMessage } from './catalog-channels.js';
import { CatalogRebuild } from './catalog-rebuild.js';
import { CategoryRepository } from './category.repository.js';
import { WHOLE_CATALOG } from './whole-catalog.js';

@Injectable()
export class CatalogService {
  constructor(
    @Inject(CatalogCache) private readonly cache: CatalogCache,
    @Inject(CategoryRepository) private readonly categories: CategoryRepository,
    @Inject(CatalogRebuild) private readonly rebuilding: CatalogRebuild,
  ) {}

  /** The JSON of all sections. */
  async catalog(): Promise<string> {
    return (await this.cached(WHOLE_CATALOG)) ?? (await this.rebuild(WHOLE_CATALOG));
  }

  /** The JSON of one section. */
  async section(section: string): Promise<string> {
    if (section === WHOLE_CATALOG) throw noSection(section);
    const cached = await this.cached(section);
    if (cached !== null) return cached;
    // Before the lock: a made-up name must not leave keys in Redis.
    if (!(await this.categories.hasSection(section))) throw noSection(section);
    return this.rebuild(section);
  }

  async rename(id: number, name: string): Promise<Category> {
    const category = await this.categories.rename(id, name);
    if (category === undefined) throw new NotFoundException(`There is no category ${String(id)}.`);
    // After the change is in the database: a rebuild that begins now reads the new name. If this fails, the old name
    // stays in the cache until the entry expires, and the client, who sees the failure, can ask again.
    await this.cache.invalidate(category.section);
    return category;
  }

  private async cached(section: string): Promise<string | null> {
    const json = await this.cache.get(section);
    const message: CacheMessage = { section, hit: json !== null };
    catalogChannels.cache.publish(message);
    return json;
  }

  private async rebuild(section: string): Promise<string> {
    try {
      return await this.rebuilding.rebuild(section);
    } catch (error) {
      // Too many waited for the lock before this reader, but the cache may be full since the first of them was done.
      const cached = error instanceof LockBusyError ? await this.cache.get(section) : null;
      if (cached === null) throw error;
      return cached;
    }
  }
}

function noSection(section: string): NotFoundException {
  return new NotFoundException(`There is no section "${section}".`);
}
