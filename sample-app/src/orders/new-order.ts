import { ApiProperty } from '@nestjs/swagger';
import { IsInt, Matches, Max, Min } from 'class-validator';

const sku = /^[a-z0-9-]{1,40}$/;

export function isSku(text: string): boolean {
  return sku.test(text);
}

/** The body of `POST /orders`. */
export class NewOrder {
  @ApiProperty({ pattern: sku.source, example: 'oak-table' })
  @Matches(sku, { message: 'sku must be 1 to 40 lower-case letters, digits or hyphens' })
  readonly sku!: string;

  @ApiProperty({ type: 'integer', minimum: 1, maximum: 100, example: 2 })
  @IsInt()
  @Min(1)
  @Max(100)
  readonly quantity!: number;
}
