import { Module } from '@nestjs/common';
import { CatalogBuilder } from './catalog-builder.js';
import { CatalogCache } from './catalog-cache.js';
import { CatalogController } from './catalog.controller.js';
import { CatalogRebuild } from './catalog-rebuild.js';
import { CatalogService } from './catalog.service.js';
import { CategoryRepository } from './category.repository.js';

@Module({
  controllers: [CatalogController],
  providers: [CatalogService, CatalogRebuild, CatalogBuilder, CatalogCache, CategoryRepository],
})
export class CatalogModule {}
