import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import type { Category } from '../database/schema.js';
import type { CategoryTree } from './category-tree.js';

/** A category with what is below it: sections, their groups, and the goods in these. */
export class CategoryTreeAnswer implements CategoryTree {
  @ApiProperty({ example: 1 })
  readonly id!: number;

  @ApiProperty({ example: 'Furniture' })
  readonly name!: string;

  @ApiPropertyOptional({ description: 'Of a section: its name in URLs.', example: 'furniture' })
  readonly section?: string;

  @ApiPropertyOptional({ type: () => [CategoryTreeAnswer], description: 'Goods have none.' })
  readonly children?: CategoryTreeAnswer[];
}

export class CategoryAnswer implements Category {
  @ApiProperty({ example: 2 })
  readonly id!: number;

  @ApiProperty({ type: 'integer', nullable: true, example: 1 })
  readonly parentId!: number | null;

  @ApiProperty({ description: '1: a section, 2: a group, 3: goods.', example: 2 })
  readonly level!: number;

  @ApiProperty({ example: 'furniture' })
  readonly section!: string;

  @ApiProperty({ example: 'Oak' })
  readonly name!: string;
}
