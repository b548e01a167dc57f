import { Module } from '@nestjs/common';
import type { DynamicModule, Provider } from '@nestjs/common';
import { CatalogBuilder } from './catalog-builder.js';
import { CatalogCache } from './catalog-cache.js';
import { CatalogController } from './catalog.controller.js';
import { CatalogRebuild } from './catalog-rebuild.js';
import { CatalogService } from './catalog.service.js';
import { CategoryRepository } from './category.repository.js';
import { RebuildRepository } from './rebuild.repository.js';

@Module({
  controllers: [CatalogController],
  providers: [CatalogService, CatalogRebuild, CatalogBuilder, CatalogCache, CategoryRepository, RebuildRepository],
})
export class CatalogModule {
  /** The catalog with other parts in the place of its own. */
  static with(...providers: Provider[]): DynamicModule {
    return { module: CatalogModule, providers };
  }
}
