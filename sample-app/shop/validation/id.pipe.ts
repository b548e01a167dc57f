import { BadRequestException, Injectable } from '@nestjs/common';
import type { PipeTransform } from '@nestjs/common';

const largestId = 2 ** 31 - 1;

/** An id from the URL, as the database counts them: decimal digits, without a leading zero. */
@Injectable()
export class IdPipe implements PipeTransform<string, number> {
  transform(text: string): number {
    const id = Number(text);
    if (/^[1-9]\d*$/.test(text) && id <= largestId) return id;
    throw new BadRequestException(`An id is a whole number from 1 to ${String(largestId)}.`);
  }
}
