import { ApiProperty } from '@nestjs/swagger';
import type { Price } from '../database/schema.js';

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
