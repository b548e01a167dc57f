import { ApiProperty } from '@nestjs/swagger';
import type { Price } from '../database/schema.js';
import type { OfferedPrice } from './supplier.js';

/** What an article costs. */
export class PriceAnswer implements Price {
  @ApiProperty({ example: 'oak-table' })
  readonly sku!: string;

  @ApiProperty({ example: 1_990 })
  readonly cents!: number;

  @ApiProperty()
  readonly refreshedAt!: Date;

  @ApiProperty({ description: 'The largest fencing token that has written it.', example: 0 })
  readonly fence!: number;
}

/** What an article costs at the supplier now. */
export class OfferAnswer implements OfferedPrice {
  @ApiProperty({ example: 'oak-table' })
  readonly sku!: string;

  @ApiProperty({ example: 1_890 })
  readonly cents!: number;
}
