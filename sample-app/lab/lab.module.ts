import { Module } from '@nestjs/common';
import { CatalogModule } from '../shop/catalog/catalog.module.js';
import { CatalogRebuild } from '../shop/catalog/catalog-rebuild.js';
import { CategoryRepository } from '../shop/catalog/category.repository.js';
import { EvolutionModule } from './evolution/evolution.module.js';
import { SwitchedRebuild } from './evolution/switched-rebuild.js';
import { LiveModule } from './live/live.module.js';
import { SlowCategoryRepository } from './live/slow-category.repository.js';
import { ShopModule } from '../shop/core.module.js';

/** The shop for demonstrations: how its catalog is guarded and how slow it is can be changed, and a page shows it. */
@Module({
  imports: [
    ...[ShopModule, EvolutionModule, LiveModule],
    CatalogModule.with(
      { provide: CatalogRebuild, useClass: SwitchedRebuild },
      { provide: CategoryRepository, useClass: SlowCategoryRepository },
    ),
  ],
})
export class LabModule {}
