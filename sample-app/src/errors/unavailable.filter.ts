import { Catch, Logger } from '@nestjs/common';
import type { ArgumentsHost } from '@nestjs/common';
import { BaseExceptionFilter } from '@nestjs/core';
import { DrizzleQueryError } from 'drizzle-orm';
import type { Response } from 'express';
import pg from 'pg';
import { TryAgainException } from './try-again.exception.js';

const retryAfterSeconds = '1';

/** Codes of the driver, of the system, and classes of PostgreSQL's, that say the server is away and not that we erred. */
const away = /^(ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|08...|57P..|53...)$/;

/** Answers 503 with `Retry-After`, and not 500, while the database is away, and when a request is to be sent again. */
@Catch(TryAgainException, DrizzleQueryError, pg.DatabaseError)
export class UnavailableFilter extends BaseExceptionFilter {
  private readonly logger = new Logger(UnavailableFilter.name);

  override catch(error: unknown, host: ArgumentsHost): void {
    const answer = error instanceof TryAgainException ? error : this.databaseIsAway(error);
    if (answer !== null) {
      host.switchToHttp().getResponse<Response>().setHeader('Retry-After', retryAfterSeconds);
    }
    super.catch(answer ?? error, host);
  }

  private databaseIsAway(error: unknown): TryAgainException | null {
    const cause = error instanceof DrizzleQueryError ? error.cause : error;
    if (!(cause instanceof Error)) return null;
    const code = 'code' in cause ? String(cause.code) : '';
    if (!away.test(code) && !cause.message.startsWith('Connection terminated')) return null;
    this.logger.error(`The database is away: ${cause.message}`);
    return new TryAgainException('DATABASE_UNAVAILABLE', 'The database is unavailable. Try again later.');
  }
}
