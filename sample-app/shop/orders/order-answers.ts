import { ApiProperty } from '@nestjs/swagger';
import type { Order, OrderLine, StockItem } from '../database/schema.js';

export class OrderLineAnswer implements OrderLine {
  @ApiProperty({ example: 'oak-table' })
  readonly sku!: string;

  @ApiProperty({ example: 2 })
  readonly quantity!: number;

  @ApiProperty({ description: 'The fencing token of the lock it was placed under.', example: 1_768_000_000_000_001 })
  readonly token!: number;
}

/** An order as it is answered. */
export class OrderAnswer implements Order {
  @ApiProperty({ example: 1 })
  readonly id!: number;

  @ApiProperty({ example: '2f1b0c9e-6f7d-4a38-9d53-0d6c6b1c7f10' })
  readonly idempotencyKey!: string;

  @ApiProperty({ type: [OrderLineAnswer], description: 'Sorted by sku.' })
  readonly lines!: OrderLineAnswer[];

  @ApiProperty({ example: 'replica-1' })
  readonly replica!: string;

  @ApiProperty()
  readonly created!: Date;
}

/** An article and what is left of it. */
export class StockAnswer implements StockItem {
  @ApiProperty({ example: 'oak-table' })
  readonly sku!: string;

  @ApiProperty({ example: 'Oak table' })
  readonly name!: string;

  @ApiProperty({ example: 5_000 })
  readonly stock!: number;

  @ApiProperty({ description: 'The largest fencing token that has written it.', example: 0 })
  readonly fence!: number;
}
