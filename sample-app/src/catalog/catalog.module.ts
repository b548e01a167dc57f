import { Module } from '@nestjs/common';
import type { DynamicModule, Type } from '@nestjs/common';
import { CatalogBuilder } from './catalog-builder.js';
import { CatalogCache } from './catalog-cache.js';
import { CatalogController } from './catalog.controller.js';
import { CatalogRebuild } from './catalog-rebuild.js';
import { CatalogService } from './catalog.service.js';
import { CategoryRepository } from './category.repository.js';
import { QueryDelay } from './query-delay.js';
import { RebuildRepository } from './rebuild.repository.js';

/** Parts of the catalog that can be others, for comparison. */
export interface CatalogParts {
  readonly rebuild: Type<Pick<CatalogRebuild, 'rebuild'>>;
  /** A provider that is there already. */
  readonly queryDelay: Type<Pick<QueryDelay, 'ms'>>;
}

@Module({
  controllers: [CatalogController],
  providers: [
    ...[CatalogService, CatalogRebuild, CatalogBuilder, CatalogCache],
    ...[CategoryRepository, RebuildRepository, QueryDelay],
  ],
})
export class CatalogModule {
  static madeOf({ rebuild, queryDelay }: CatalogParts): DynamicModule {
    return {
      module: CatalogModule,
      providers: [
        { provide: CatalogRebuild, useClass: rebuild },
        { provide: QueryDelay, useExisting: queryDelay },
      ],
    };
  }
}
