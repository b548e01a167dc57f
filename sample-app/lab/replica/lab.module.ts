import { Module } from '@nestjs/common';
import { CatalogBuilder } from '../../shop/catalog/catalog-builder.js';
import { CatalogModule } from '../../shop/catalog/catalog.module.js';
import { CatalogRebuild } from '../../shop/catalog/catalog-rebuild.js';
import { CatalogService } from '../../shop/catalog/catalog.service.js';
import { CategoryRepository } from '../../shop/catalog/category.repository.js';
import { CoreModule } from '../../shop/core.module.js';
import { OrdersModule } from '../../shop/orders/orders.module.js';
import { OrdersService } from '../../shop/orders/orders.service.js';
import { PriceRepository } from '../../shop/prices/price.repository.js';
import { PricesModule } from '../../shop/prices/prices.module.js';
import { CatalogFlights } from '../evolution/catalog-flights.js';
import { EvolutionModule } from '../evolution/evolution.module.js';
import { SwitchedRebuild } from '../evolution/switched-rebuild.js';
import { LiveModule } from '../live/live.module.js';
import { RebuildRepository } from '../rebuilds/rebuild.repository.js';
import { RecordedCategoryRepository } from './recorded-category.repository.js';
import { WatchedBuilder } from './watched-builder.js';
import { WatchedCache } from './watched-cache.js';
import { WatchedOrdersService } from './watched-orders.service.js';
import { WatchedPriceRepository } from './watched-price.repository.js';

/**
 * The modules of the shop's `AppModule`, with some of their providers replaced: another lock can guard the catalog, its
 * query is slow, rebuilds are recorded, and the live page shows what happens.
 */
@Module({
  imports: [
    CoreModule,
    EvolutionModule,
    LiveModule,
    {
      module: CatalogModule,
      providers: [
        WatchedCache,
        RebuildRepository,
        CatalogFlights,
        { provide: CatalogRebuild, useClass: SwitchedRebuild },
        { provide: CatalogBuilder, useClass: WatchedBuilder },
        { provide: CategoryRepository, useClass: RecordedCategoryRepository },
        {
          provide: CatalogService,
          inject: [WatchedCache, CategoryRepository, CatalogRebuild],
          useFactory: (cache: WatchedCache, categories: CategoryRepository, rebuilding: CatalogRebuild) =>
            new CatalogService(cache, categories, rebuilding),
        },
      ],
    },
    { module: OrdersModule, providers: [{ provide: OrdersService, useClass: WatchedOrdersService }] },
    { module: PricesModule, providers: [{ provide: PriceRepository, useClass: WatchedPriceRepository }] },
  ],
})
export class LabModule {}
