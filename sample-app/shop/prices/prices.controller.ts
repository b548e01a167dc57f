import { Controller, Get, Param } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Price } from '../database/schema.js';
import { ApiErrors, ApiLockErrors, ApiUnavailable } from '../openapi/error-answers.js';
import { isSku } from '../orders/new-order.js';
import { UnknownSkuException } from '../orders/order-errors.js';
import { OfferAnswer, PriceAnswer } from './price-answer.js';
import { PriceRepository } from './price.repository.js';
import { Supplier } from './supplier.js';
import type { OfferedPrice } from './supplier.js';

@ApiTags('Prices')
@Controller('prices')
export class PricesController {
  constructor(
    private readonly prices: PriceRepository,
    private readonly supplier: Supplier,
  ) {}

  @Get()
  @ApiOperation({ summary: 'Lists all prices, as they were refreshed last' })
  @ApiOkResponse({ type: [PriceAnswer] })
  @ApiUnavailable()
  readAll(): Promise<Price[]> {
    return this.prices.prices();
  }

  @Get(':sku/offer')
  @ApiOperation({ summary: 'Asks the supplier what an article costs now' })
  @ApiOkResponse({ type: OfferAnswer })
  @ApiErrors({ 400: 'The path is not well-formed.', 404: 'There is no such article (code UNKNOWN_SKU).' })
  @ApiLockErrors()
  async offer(@Param('sku') sku: string): Promise<OfferedPrice> {
    if (!isSku(sku) || !(await this.prices.has(sku))) throw new UnknownSkuException(sku);
    return this.supplier.offer(sku);
  }
}
