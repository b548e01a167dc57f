import { Controller, Get, Inject } from '@nestjs/common';
import type { Price } from '../database/schema.js';
import { PriceRepository } from './price.repository.js';

@Controller('prices')
export class PricesController {
  constructor(@Inject(PriceRepository) private readonly prices: PriceRepository) {}

  @Get()
  readAll(): Promise<Price[]> {
    return this.prices.prices();
  }
}
