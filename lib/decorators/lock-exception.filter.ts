import { Catch, Inject, Logger, Optional, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { throwError, type Observable } from 'rxjs';
import { LockBusyError, LockConfigError, LockError, type LockErrorCode } from '../errors/index.js';
import { checkKnown, checkWhole, show } from '../options/checks.js';
import { LOCK_FILTER_OPTIONS } from '../tokens.js';

/**
 * Options of `LockExceptionFilter`.
 *
 * @publicApi
 */
export interface LockExceptionFilterOptions {
  /** The HTTP status for a lock that is taken: 409 Conflict or 423 Locked. Default 409. */
  readonly busyStatus?: 409 | 423;
  /**
   * The `Retry-After` header, in seconds, of a 503, and of a busy lock whose remaining time is unknown. Default 1. For
   * other busy locks it is the remaining time of the holder's lease, from 1 to 30.
   */
  readonly retryAfter?: number;
}

/**
 * The response to the client. It does not contain the error's message, which may name hosts and the locks of other
 * users.
 */
interface Answer {
  readonly status: number;
  readonly title: string;
  readonly detail: string;
}

/** A section usually ends long before its lease, so a client should not wait until a long lease ends. */
const MAX_BUSY_SECONDS = 30;

const UNAVAILABLE = { status: 503, title: 'Service Unavailable' } as const;

const ANSWERS: Record<LockErrorCode, Answer> = {
  LOCK_BUSY: { status: 409, title: 'Conflict', detail: 'Another caller is working on this. Try again later.' },
  LOCK_UNAVAILABLE: { ...UNAVAILABLE, detail: 'Locks are unavailable. Try again later.' },
  LOCK_SHUTDOWN: { ...UNAVAILABLE, detail: 'This server is shutting down. Try again.' },
  LOCK_LOST: { ...UNAVAILABLE, detail: 'The lock was lost while the request was handled. Try again.' },
  LOCK_ABORTED: { ...UNAVAILABLE, detail: 'The wait for a lock was aborted. Try again later.' },
  LOCK_NAME: {
    status: 400,
    title: 'Bad Request',
    detail: 'The request lacks a value that the name of its lock needs.',
  },
  LOCK_CONFIG: { status: 500, title: 'Internal Server Error', detail: 'Internal server error' },
};

/**
 * Answers HTTP requests that failed with a `LockError`: 409 (or 423) if the lock is taken; 503 if locks are
 * unavailable, a lock was lost, the wait for it was aborted, or the service is shutting down; 400 if the request lacks
 * a value that the lock's name needs; 500 for a mistake in the program. All but 400 and 500 have a `Retry-After`
 * header. The body is a problem document (RFC 9457) with the error's `code` as an additional member.
 *
 * The client of a gateway gets an `exception` event with `code` and `message`. The caller of a message handler, and
 * GraphQL, get the `LockError` itself. Other errors are left to other filters.
 *
 * Register it with `{ provide: APP_FILTER, useClass: LockExceptionFilter }`, `app.useGlobalFilters(new
 * LockExceptionFilter({ busyStatus: 423 }))` or `@UseFilters(LockExceptionFilter)`, which is the only way for a gateway.
 *
 * @publicApi
 */
@Catch(LockError)
export class LockExceptionFilter implements ExceptionFilter<LockError> {
  private readonly logger = new Logger(LockExceptionFilter.name);
  private readonly busyStatus: number;
  private readonly retryAfter: number;

  @Optional()
  @Inject(HttpAdapterHost)
  private readonly adapterHost: HttpAdapterHost | undefined;

  /** @throws LockConfigError if an option cannot be used */
  constructor(@Optional() @Inject(LOCK_FILTER_OPTIONS) options: LockExceptionFilterOptions = {}) {
    checkKnown('LockExceptionFilter', options, ['busyStatus', 'retryAfter']);
    const busyStatus: unknown = options.busyStatus ?? 409;
    if (busyStatus !== 409 && busyStatus !== 423) {
      throw new LockConfigError(`"busyStatus" must be 409 or 423, but is ${show(busyStatus)}.`);
    }
    this.busyStatus = busyStatus;
    this.retryAfter = checkWhole('retryAfter', options.retryAfter ?? 1, 0, 86_400);
  }

  catch(error: LockError, host: ArgumentsHost): Observable<never> | undefined {
    const kind = host.getType<string>();
    if (kind === 'rpc') return throwError(() => error);
    if (kind !== 'http' && kind !== 'ws') throw error;
    const answer = this.answerTo(error);
    this.report(error);
    if (kind === 'http') this.send(host.switchToHttp().getResponse(), answer, error);
    // An error that is thrown here would not be caught, and would end the process.
    else tellSocket(host.switchToWs().getClient(), { status: 'error', message: answer.detail, code: error.code });
    return undefined;
  }

  /** Logs the errors that Nest's own filter would log. A busy lock and a shutdown are normal. */
  private report({ code, message, stack }: LockError): void {
    if (code === 'LOCK_NAME') this.logger.warn(message);
    if (code === 'LOCK_UNAVAILABLE' || code === 'LOCK_LOST' || code === 'LOCK_CONFIG')
      this.logger.error(message, stack);
  }

  private answerTo({ code }: LockError): Answer {
    if (code === 'LOCK_BUSY' && this.busyStatus === 423) return { ...ANSWERS.LOCK_BUSY, status: 423, title: 'Locked' };
    return ANSWERS[code];
  }

  private send(response: PlainResponse, answer: Answer, error: LockError): void {
    const adapter = this.adapterHost?.httpAdapter;
    const { code } = error;
    const headers = { 'Content-Type': 'application/problem+json', ...this.retryHeader(error, answer.status) };
    // As text, since the Express adapter would send an object with the content type `application/json`.
    const body = JSON.stringify({ ...answer, code });
    if (adapter === undefined) {
      // The filter was created without dependency injection. Express and Fastify both have these methods.
      const raw = response.raw ?? response;
      if (raw.headersSent) {
        raw.end();
        return;
      }
      response.status(answer.status);
      for (const [name, value] of Object.entries(headers)) response.header(name, value);
      response.send(body);
      return;
    }
    if (adapter.isHeadersSent(response)) {
      adapter.end(response);
      return;
    }
    for (const [name, value] of Object.entries(headers)) adapter.setHeader(response, name, value);
    adapter.reply(response, body, answer.status);
  }

  private retryHeader(error: LockError, status: number): Record<string, string> {
    if (error instanceof LockBusyError) return { 'Retry-After': String(this.untilFree(error)) };
    return status === 503 ? { 'Retry-After': String(this.retryAfter) } : {};
  }

  private untilFree({ remainingMs }: LockBusyError): number {
    if (remainingMs === undefined || !Number.isFinite(remainingMs)) return Math.max(1, this.retryAfter);
    return Math.min(MAX_BUSY_SECONDS, Math.max(1, Math.ceil(remainingMs / 1_000)));
  }
}

/** Reports an error as Nest does: as text to a client of `ws`, as an event to a client of Socket.IO. */
function tellSocket(client: PlainSocket, data: object): void {
  if (typeof client.readyState === 'number') client.send(JSON.stringify({ event: 'exception', data }));
  else client.emit('exception', data);
}

interface PlainSocket {
  readonly readyState?: number;
  send(text: string): unknown;
  emit(event: string, data: object): unknown;
}

interface Ending {
  readonly headersSent: boolean;
  end(): unknown;
}

/** What the responses of Express and Fastify have in common. */
interface PlainResponse extends Ending {
  /** Node's own response, which a Fastify response contains. */
  readonly raw?: Ending;
  status(code: number): unknown;
  header(name: string, value: string): unknown;
  send(body: string): unknown;
}
