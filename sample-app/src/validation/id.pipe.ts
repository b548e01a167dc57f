import { BadRequestException, Injectable } from '@nestjs/common';
import type { PipeTransform } from '@nestjs/common';

const largestId = 2 ** 31 - 1;

/** An id from the URL, as the database counts them. */
@Injectable()
export class IdPipe implements PipeTransform<string, number> {
  transform(text: string): number {
    const id = Number(text);
    if (/^\d+$/.test(text) && id >= 1 && id <= largestId) return id;
    throw new BadRequestException(`An id is a whole number from 1 to ${String(largestId)}.`);
  }
}
