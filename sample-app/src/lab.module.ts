import { Module } from '@nestjs/common';
import { CatalogModule } from './catalog/catalog.module.js';
import { EvolutionModule } from './evolution/evolution.module.js';
import { SwitchedRebuild } from './evolution/switched-rebuild.js';
import { LiveModule } from './live/live.module.js';
import { ShopModule } from './shop.module.js';

/** The shop for demonstrations: its catalog can be guarded by other locks than ours. */
@Module({ imports: [ShopModule, EvolutionModule, LiveModule, CatalogModule.rebuiltBy(SwitchedRebuild)] })
export class LabModule {}
