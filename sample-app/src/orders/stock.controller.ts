import { Controller, Get, Inject, Param } from '@nestjs/common';
import type { StockItem } from '../database/schema.js';
import { isSku } from './new-order.js';
import { UnknownSkuException } from './order-errors.js';
import { OrderRepository } from './order.repository.js';

@Controller('stock')
export class StockController {
  constructor(@Inject(OrderRepository) private readonly repository: OrderRepository) {}

  @Get()
  readAll(): Promise<StockItem[]> {
    return this.repository.stock();
  }

  @Get(':sku')
  async read(@Param('sku') sku: string): Promise<StockItem> {
    // Anything else, a NUL character for one, PostgreSQL would not even compare.
    const item = isSku(sku) ? await this.repository.stockOf(sku) : undefined;
    if (item === undefined) throw new UnknownSkuException(sku);
    return item;
  }
}
