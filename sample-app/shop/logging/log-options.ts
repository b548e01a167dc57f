import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Params } from 'nestjs-pino';
import { stdTimeFunctions } from 'pino';
import type { ShopConfig } from '../config/config.js';
import { shownError } from './shown-error.js';

/** A request that took longer than this is worth a warning, in ms. */
const slowMs = 1_000;

const began = new WeakMap<IncomingMessage, number>();

/**
 * One JSON object a line. Requests are written at `debug` (a line for each would slow a crowd of readers down), but at
 * `warn` if they failed on the server or were slow. No headers, no bodies, no query strings and no values of database
 * queries: they may contain personal data and secrets.
 */
export function logOptions({ logLevel, replica }: ShopConfig): Params {
  return {
    pinoHttp: {
      level: logLevel,
      base: { replica },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      // Not a serializer: pino takes the message of the line from the error itself.
      hooks: {
        logMethod(line, write) {
          const first: unknown = line[0];
          if (hasError(first)) line[0] = { ...first, err: shownError(first.err) };
          write.apply(this, line);
        },
      },
      genReqId: requestId,
      // Lines that are written while a request is handled hold its id and no more.
      quietReqLogger: true,
      quietResLogger: true,
      customLogLevel: (request, response, error) => {
        // A check that fails is repeated several times a second; the log says once that the process is not ready.
        if (/^\/(health|metrics)\b/.test(pathOf(request) ?? '')) return 'debug';
        return error !== undefined || response.statusCode >= 500 || msOf(request) > slowMs ? 'warn' : 'debug';
      },
      customSuccessObject: (request, response) => summary(request, response),
      customErrorObject: (request, response) => summary(request, response),
      customSuccessMessage: () => 'answered',
      customErrorMessage: () => 'failed',
    },
  };
}

/** The id that a proxy gave the request, or a new one. The response contains it, too. */
function requestId(request: IncomingMessage, response: ServerResponse): string {
  began.set(request, performance.now());
  const given = request.headers['x-request-id'];
  const id = typeof given === 'string' && /^[\w.:-]{1,64}$/.test(given) ? given : randomUUID();
  response.setHeader('X-Request-Id', id);
  return id;
}

function summary(request: IncomingMessage, response: ServerResponse): object {
  const { method } = request;
  const url = pathOf(request);
  // A client that disconnected got no response, whatever the status would have been.
  const status = response.writableFinished ? response.statusCode : null;
  return { method, url, status, ms: Math.round(msOf(request)) };
}

function pathOf(request: IncomingMessage): string | undefined {
  const target = 'originalUrl' in request ? String(request.originalUrl) : request.url;
  return target?.split('?', 1)[0];
}

function msOf(request: IncomingMessage): number {
  return performance.now() - (began.get(request) ?? performance.now());
}

function hasError(line: unknown): line is { readonly err: Error } {
  return typeof line === 'object' && line !== null && 'err' in line && line.err instanceof Error;
}
