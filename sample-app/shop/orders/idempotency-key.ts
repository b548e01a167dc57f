import { BadRequestException, createParamDecorator } from '@nestjs/common';
import type { ExecutionContext } from '@nestjs/common';
import type { Request } from 'express';

export const idempotencyKey = /^[\w-]{8,64}$/;

/**
 * The header `Idempotency-Key`: the client makes one up for each order, a UUID for instance, and sends the same one when
 * it sends the order again since it got no answer.
 *
 * Source: the IETF draft "The Idempotency-Key HTTP Header Field".
 */
export const IdempotencyKey = createParamDecorator((_data: unknown, context: ExecutionContext): string => {
  const key = context.switchToHttp().getRequest<Request>().header('Idempotency-Key');
  if (key !== undefined && idempotencyKey.test(key)) return key;
  throw new BadRequestException(
    'The header Idempotency-Key must be set to 8 to 64 letters, digits, hyphens or underscores, new for each order.',
  );
});
