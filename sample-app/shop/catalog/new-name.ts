import { ApiProperty } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { Length, Validate, ValidatorConstraint } from 'class-validator';
import type { ValidatorConstraintInterface } from 'class-validator';

/** PostgreSQL has no way to store a NUL character, nor half of a surrogate pair. */
@ValidatorConstraint({ name: 'storable' })
class Storable implements ValidatorConstraintInterface {
  validate(text: unknown): boolean {
    return typeof text === 'string' && text.isWellFormed() && !text.includes('\0');
  }

  defaultMessage(): string {
    return '$property must be well-formed text without NUL characters';
  }
}

/** The body of `PATCH /categories/:id`. */
export class NewName {
  @ApiProperty({ minLength: 1, maxLength: 80, example: 'Ash' })
  @Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? value.trim() : value))
  @Validate(Storable)
  @Length(1, 80)
  readonly name!: string;
}
