import { Catch, Logger } from '@nestjs/common';
import type { ArgumentsHost } from '@nestjs/common';
import { BaseExceptionFilter } from '@nestjs/core';
import { DrizzleQueryError } from 'drizzle-orm';
import type { Response } from 'express';
import pg from 'pg';
import { isDatabaseAway } from './database-away.js';
import { TryAgainException } from './try-again.exception.js';

const retryAfterSeconds = '1';

/**
 * Responds with 503 and `Retry-After`, and not with 500, if the database or the cache is unavailable, or the request
 * should be sent again.
 */
@Catch(TryAgainException, DrizzleQueryError, pg.DatabaseError)
export class UnavailableFilter extends BaseExceptionFilter {
  private readonly logger = new Logger(UnavailableFilter.name);

  override catch(error: unknown, host: ArgumentsHost): void {
    const answer = error instanceof TryAgainException ? error : databaseUnavailable(error);
    if (answer !== null) {
      if (answer.cause instanceof Error) this.logger.error(`${answer.message} ${answer.cause.message}`);
      host.switchToHttp().getResponse<Response>().setHeader('Retry-After', retryAfterSeconds);
    }
    super.catch(answer ?? error, host);
  }
}

function databaseUnavailable(error: unknown): TryAgainException | null {
  const cause = error instanceof DrizzleQueryError ? error.cause : error;
  if (!isDatabaseAway(cause)) return null;
  return new TryAgainException('DATABASE_UNAVAILABLE', 'The database is unavailable. Try again later.', cause);
}
