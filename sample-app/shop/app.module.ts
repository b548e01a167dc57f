import { Module } from '@nestjs/common';
import { CatalogModule } from './catalog/catalog.module.js';
import { ShopModule } from './core.module.js';

/** The whole shop. */
@Module({ imports: [ShopModule, CatalogModule] })
export class AppModule {}
