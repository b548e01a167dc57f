import { BadRequestException, createParamDecorator } from '@nestjs/common';
import type { ExecutionContext } from '@nestjs/common';
import type { Request } from 'express';

/** In an answer: the version of the catalog it contains. In a request: the version it must have at least. */
export const catalogVersionHeader = 'Catalog-Version';

/** The header `Catalog-Version` of a request: 0 where it is not set. */
export const AtLeastVersion = createParamDecorator((_data: unknown, context: ExecutionContext): number => {
  const text = context.switchToHttp().getRequest<Request>().header(catalogVersionHeader);
  if (text === undefined) return 0;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new BadRequestException(`The header ${catalogVersionHeader} must be a number that an answer of the shop had.`);
});
