import { Module } from '@nestjs/common';
import { SHOP_CONFIG } from '../config.js';
import type { ShopConfig } from '../config.js';
import { CatalogBuilder } from './catalog-builder.js';
import { CatalogCache } from './catalog-cache.js';
import { CatalogController } from './catalog.controller.js';
import { CatalogService } from './catalog.service.js';
import { CategoryRepository } from './category.repository.js';
import { NoGuard } from './guards/no-guard.js';
import { REBUILD_GUARD } from './guards/rebuild-guard.js';
import type { RebuildGuard } from './guards/rebuild-guard.js';
import { Stage5Guard } from './guards/stage5.guard.js';
import { WithLockGuard } from './guards/with-lock.guard.js';
import { RebuildRepository } from './rebuild.repository.js';

@Module({
  controllers: [CatalogController],
  providers: [
    CatalogService,
    CatalogBuilder,
    CatalogCache,
    CategoryRepository,
    RebuildRepository,
    WithLockGuard,
    Stage5Guard,
    NoGuard,
    {
      provide: REBUILD_GUARD,
      inject: [SHOP_CONFIG, WithLockGuard, Stage5Guard, NoGuard],
      useFactory: (config: ShopConfig, withLock: WithLockGuard, stage5: Stage5Guard, none: NoGuard): RebuildGuard =>
        ({ 'with-lock': withLock, stage5, none })[config.guard],
    },
  ],
})
export class CatalogModule {}
