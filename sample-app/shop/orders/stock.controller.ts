import { Controller, Get, Param } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { StockItem } from '../database/schema.js';
import { ApiErrors, ApiUnavailable } from '../openapi/error-answers.js';
import { isSku } from './new-order.js';
import { StockAnswer } from './order-answers.js';
import { UnknownSkuException } from './order-errors.js';
import { OrderRepository } from './order.repository.js';

@ApiTags('Orders')
@Controller('stock')
export class StockController {
  constructor(private readonly repository: OrderRepository) {}

  @Get()
  @ApiOperation({ summary: 'Lists all articles and what is left of them' })
  @ApiOkResponse({ type: [StockAnswer] })
  @ApiUnavailable()
  readAll(): Promise<StockItem[]> {
    return this.repository.stock();
  }

  @Get(':sku')
  @ApiOperation({ summary: 'Tells what is left of an article' })
  @ApiOkResponse({ type: StockAnswer })
  @ApiErrors({ 400: 'The path is not well-formed.', 404: 'There is no such article (code UNKNOWN_SKU).' })
  @ApiUnavailable()
  async read(@Param('sku') sku: string): Promise<StockItem> {
    // Anything else, a NUL character for one, PostgreSQL would not even compare.
    const item = isSku(sku) ? await this.repository.stockOf(sku) : undefined;
    if (item === undefined) throw new UnknownSkuException(sku);
    return item;
  }
}
