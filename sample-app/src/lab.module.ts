import { Module } from '@nestjs/common';
import { CatalogModule } from './catalog/catalog.module.js';
import { EvolutionModule } from './evolution/evolution.module.js';
import { SwitchedRebuild } from './evolution/switched-rebuild.js';
import { LiveModule } from './live/live.module.js';
import { QuerySwitch } from './live/query-switch.js';
import { ShopModule } from './shop.module.js';

/** The shop for demonstrations: how its catalog is guarded and how slow it is can be changed, and a page shows it. */
@Module({
  imports: [
    ...[ShopModule, EvolutionModule, LiveModule],
    CatalogModule.madeOf({ rebuild: SwitchedRebuild, queryDelay: QuerySwitch }),
  ],
})
export class LabModule {}
