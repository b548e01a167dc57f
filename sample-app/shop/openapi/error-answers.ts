import { applyDecorators } from '@nestjs/common';
import { ApiExtraModels, ApiProperty, ApiPropertyOptional, ApiResponse, getSchemaPath } from '@nestjs/swagger';

/** An error response of the shop. */
export class ErrorAnswer {
  @ApiProperty({ example: 404 })
  readonly statusCode!: number;

  @ApiProperty({ oneOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }], example: 'There is no …' })
  readonly message!: string | string[];

  @ApiPropertyOptional({ description: 'For programs: SOLD_OUT, UNKNOWN_SKU, KEY_REUSED …', example: 'SOLD_OUT' })
  readonly code?: string;
}

/** An error response of `LockExceptionFilter`: a problem document (RFC 9457). */
export class LockProblem {
  @ApiProperty({ example: 409 })
  readonly status!: number;

  @ApiProperty({ example: 'Conflict' })
  readonly title!: string;

  @ApiProperty({ example: 'Another caller is working on this. Try again later.' })
  readonly detail!: string;

  @ApiProperty({ example: 'LOCK_BUSY' })
  readonly code!: string;
}

const error = { 'application/json': { schema: { $ref: getSchemaPath(ErrorAnswer) } } };
const problem = { 'application/problem+json': { schema: { $ref: getSchemaPath(LockProblem) } } };
const tryAgain = { 'Retry-After': { description: 'In seconds.', schema: { type: 'integer' } } } as const;

/** Documents the answers that are errors, by their status. */
export function ApiErrors(errors: Readonly<Record<number, string>>): MethodDecorator & ClassDecorator {
  return applyDecorators(
    ApiExtraModels(ErrorAnswer),
    ...Object.entries(errors).map(([status, description]) =>
      ApiResponse({ status: Number(status), description, content: error }),
    ),
  );
}

/** Documents what a handler that takes a body answers when it cannot read it. */
export function ApiBodyErrors(): MethodDecorator & ClassDecorator {
  return ApiErrors({ 413: 'The body is larger than 100 kB.', 415: 'The body has an encoding that is not supported.' });
}

/** Documents the 503 of a handler that needs the database or Redis. */
export function ApiUnavailable(also?: string): MethodDecorator & ClassDecorator {
  const away = 'The database, Redis or the lock is unavailable. The request is valid: send it again.';
  return applyDecorators(
    ApiExtraModels(ErrorAnswer, LockProblem),
    ApiResponse({
      status: 503,
      description: also === undefined ? away : `${also} Or: ${away}`,
      headers: tryAgain,
      content: { ...error, ...problem },
    }),
  );
}

/** Documents the additional responses of a handler with a lock: 409 if it is taken, 503 if locks are unavailable. */
export function ApiLockErrors(alsoConflict?: string): MethodDecorator & ClassDecorator {
  const taken = 'The lock stays taken (code LOCK_BUSY): try again later.';
  return applyDecorators(
    ApiExtraModels(ErrorAnswer, LockProblem),
    ApiResponse({
      status: 409,
      description: alsoConflict === undefined ? taken : `${alsoConflict} Or: ${taken}`,
      headers: tryAgain,
      content: alsoConflict === undefined ? problem : { ...error, ...problem },
    }),
    ApiUnavailable(),
  );
}
