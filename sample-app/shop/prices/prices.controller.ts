import { Controller, Get } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Price } from '../database/schema.js';
import { ApiUnavailable } from '../openapi/error-answers.js';
import { PriceAnswer } from './price-answer.js';
import { PriceRepository } from './price.repository.js';

@ApiTags('Prices')
@Controller('prices')
export class PricesController {
  constructor(private readonly prices: PriceRepository) {}

  @Get()
  @ApiOperation({ summary: 'Lists all prices, as they were refreshed last' })
  @ApiOkResponse({ type: [PriceAnswer] })
  @ApiUnavailable()
  readAll(): Promise<Price[]> {
    return this.prices.prices();
  }
}
