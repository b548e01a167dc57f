import { Module } from '@nestjs/common';
import type { DynamicModule, Type } from '@nestjs/common';
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
  /** The catalog with another way to rebuild it, for comparison. */
  static rebuiltBy(rebuild: Type<Pick<CatalogRebuild, 'rebuild'>>): DynamicModule {
    return { module: CatalogModule, providers: [{ provide: CatalogRebuild, useClass: rebuild }] };
  }
}
