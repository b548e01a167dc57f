import { IsInt, Matches, Max, Min } from 'class-validator';

const sku = /^[a-z0-9-]{1,40}$/;

export function isSku(text: string): boolean {
  return sku.test(text);
}

/** The body of `POST /orders`. */
export class NewOrder {
  @Matches(sku, { message: 'sku must be 1 to 40 lower-case letters, digits or hyphens' })
  readonly sku!: string;

  @IsInt()
  @Min(1)
  @Max(100)
  readonly quantity!: number;
}
