import { BadRequestException, Injectable, NotFoundException } from '@nestjs/common';
import { LockBusyError } from 'nestjs-redis-lock';
import { TryAgainException } from '../errors/try-again.exception.js';
import { CatalogCache } from './catalog-cache.js';
import type { VersionedCatalog } from './catalog-cache.js';
import { CatalogRebuild } from './catalog-rebuild.js';
import { CategoryRepository } from './category.repository.js';
import type { RenamedCategory } from './category.repository.js';
import { WHOLE_CATALOG } from './whole-catalog.js';

@Injectable()
export class CatalogService {
  constructor(
    private readonly cache: CatalogCache,
    private readonly categories: CategoryRepository,
    private readonly rebuilding: CatalogRebuild,
  ) {}

  /** All sections. See `read` for `atLeast`. */
  catalog(atLeast = 0): Promise<VersionedCatalog> {
    return this.read(WHOLE_CATALOG, atLeast);
  }

  /** One section. See `read` for `atLeast`. */
  async section(section: string, atLeast = 0): Promise<VersionedCatalog> {
    if (section === WHOLE_CATALOG) throw noSection(section);
    return this.read(section, atLeast);
  }

  async rename(id: number, name: string): Promise<RenamedCategory> {
    const renamed = await this.categories.rename(id, name);
    if (renamed === undefined) throw new NotFoundException(`There is no category ${String(id)}.`);
    // After the change is in the database: a rebuild that begins now reads the new name. If this fails, the old name
    // stays in the cache until the entry expires, and the client, who sees the failure, can ask again.
    await this.cache.want(renamed.version, [renamed.category.section, WHOLE_CATALOG]);
    return renamed;
  }

  /**
   * The last value that was built, at once, while an outdated one is rebuilt in the background. A reader waits only if
   * there is none, or none of the version it asks for: a client that has made a change asks for the version of it.
   */
  private async read(section: string, atLeast: number): Promise<VersionedCatalog> {
    const cached = await this.cache.get(section);
    if (cached !== null && cached.version >= atLeast) {
      if (!cached.current) this.rebuilding.refresh(section);
      return cached;
    }
    // Before the lock: a made-up name must not leave keys in Redis, nor a made-up version cause a rebuild.
    if (section !== WHOLE_CATALOG && !(await this.categories.hasSection(section))) throw noSection(section);
    if (atLeast > 0) await this.expect(section, atLeast);
    return this.rebuild(section, atLeast);
  }

  /** A replica may have died after its change was in the database and before it updated the cache. */
  private async expect(section: string, version: number): Promise<void> {
    const newest = await this.categories.version();
    if (version > newest) throw new BadRequestException(`There is no version ${String(version)} of the catalog yet.`);
    await this.cache.want(version, [section]);
  }

  private async rebuild(section: string, atLeast: number): Promise<VersionedCatalog> {
    try {
      return await this.rebuilding.rebuild(section);
    } catch (error) {
      if (!(error instanceof LockBusyError)) throw error;
      // It waited for too long, or too many waited before it. The cache may have been filled meanwhile.
      const cached = await this.cache.get(section);
      if (cached !== null && cached.version >= atLeast) return cached;
      throw new TryAgainException('CATALOG_BUSY', 'The catalog is being rebuilt. Try again later.');
    }
  }
}

function noSection(section: string): NotFoundException {
  return new NotFoundException(`There is no section "${section}".`);
}
