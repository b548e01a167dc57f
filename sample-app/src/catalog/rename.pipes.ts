import { BadRequestException, Injectable } from '@nestjs/common';
import type { PipeTransform } from '@nestjs/common';

const largestId = 2 ** 31 - 1;
const longestName = 80;

/** An id from the URL, as the database counts them. */
@Injectable()
export class CategoryIdPipe implements PipeTransform<string, number> {
  transform(text: string): number {
    const id = Number(text);
    if (/^\d+$/.test(text) && id >= 1 && id <= largestId) return id;
    throw new BadRequestException(`A category's id is a whole number from 1 to ${String(largestId)}.`);
  }
}

/** The name out of a body `{ "name": "…" }`. */
@Injectable()
export class NewNamePipe implements PipeTransform<unknown, string> {
  transform(body: unknown): string {
    const name = typeof body === 'object' && body !== null && 'name' in body ? body.name : undefined;
    const trimmed = typeof name === 'string' ? name.trim() : '';
    // PostgreSQL has no way to store a NUL character, nor half of a surrogate pair.
    const storable = trimmed.isWellFormed() && !trimmed.includes('\0');
    if (trimmed !== '' && trimmed.length <= longestName && storable) return trimmed;
    throw new BadRequestException(
      `The body must be {"name": "…"} with a name of 1 to ${String(longestName)} characters.`,
    );
  }
}
