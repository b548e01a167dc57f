import { Module } from '@nestjs/common';
import { CatalogModule } from './catalog/catalog.module.js';
import { CoreModule } from './core.module.js';
import { OrdersModule } from './orders/orders.module.js';
import { PricesModule } from './prices/prices.module.js';

@Module({ imports: [CoreModule, CatalogModule, OrdersModule, PricesModule] })
export class AppModule {}
