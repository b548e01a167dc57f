import { createHash } from 'node:crypto';
import { BadRequestException, createParamDecorator } from '@nestjs/common';
import type { ExecutionContext } from '@nestjs/common';
import type { Request } from 'express';

export const customerToken = /^[\w-]{16,128}$/;

/**
 * The customer of a request: the hash of the header `Customer-Token`, a secret that the client makes up once, a UUID for
 * instance. Authentication is out of scope here: where you have it, return the id of the authenticated user instead.
 *
 * Hashed, so that neither the database nor a log contains the secret that gives access to the orders.
 */
export const Customer = createParamDecorator((_data: unknown, context: ExecutionContext): string => {
  const token = context.switchToHttp().getRequest<Request>().header('Customer-Token');
  if (token !== undefined && customerToken.test(token)) return customerOf(token);
  throw new BadRequestException(
    'The header Customer-Token must be set to 16 to 128 letters, digits, hyphens or underscores that only you know.',
  );
});

export function customerOf(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}
