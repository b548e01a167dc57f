import { ApiProperty } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  ArrayUnique,
  IsArray,
  IsInt,
  Matches,
  Max,
  Min,
  ValidateNested,
} from 'class-validator';

const sku = /^[a-z0-9-]{1,40}$/;
const mostLines = 20;

export function isSku(text: string): boolean {
  return sku.test(text);
}

/** So many pieces of one article. */
export class NewOrderLine {
  @ApiProperty({ pattern: sku.source, example: 'oak-table' })
  @Matches(sku, { message: 'sku must be 1 to 40 lower-case letters, digits or hyphens' })
  readonly sku!: string;

  @ApiProperty({ type: 'integer', minimum: 1, maximum: 100, example: 2 })
  @IsInt()
  @Min(1)
  @Max(100)
  readonly quantity!: number;
}

/** The body of `POST /orders`. */
export class NewOrder {
  @ApiProperty({ type: [NewOrderLine], minItems: 1, maxItems: mostLines, description: 'Each article once.' })
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(mostLines)
  // A member that is no object is reported by the check of the lines.
  @ArrayUnique((line?: Partial<NewOrderLine>) => line?.sku, { message: 'lines must name each article once' })
  @ValidateNested({ each: true })
  @Type(() => NewOrderLine)
  readonly lines!: NewOrderLine[];
}
