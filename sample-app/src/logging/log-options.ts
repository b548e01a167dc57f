import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Params } from 'nestjs-pino';
import { stdTimeFunctions } from 'pino';
import type { ShopConfig } from '../config.js';

/** A request that took longer than this is worth a warning, in ms. */
const slowMs = 1_000;

const began = new WeakMap<IncomingMessage, number>();

/**
 * One JSON object a line. Requests are written at `debug` (a line for each would slow a crowd of readers down), but at
 * `warn` if they failed on our side or were slow. No headers and no bodies: they may hold what nobody else should read.
 */
export function logOptions({ logLevel, replica }: ShopConfig): Params {
  return {
    pinoHttp: {
      level: logLevel,
      base: { replica },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      genReqId: requestId,
      // Lines that are written while a request is handled hold its id and no more.
      quietReqLogger: true,
      quietResLogger: true,
      customLogLevel: (request, response, error) =>
        error !== undefined || response.statusCode >= 500 || msOf(request) > slowMs ? 'warn' : 'debug',
      customSuccessObject: (request, response) => summary(request, response),
      customErrorObject: (request, response) => summary(request, response),
      customSuccessMessage: () => 'answered',
      customErrorMessage: () => 'failed',
    },
  };
}

/** The id that a proxy in front gave the request, or one of ours. The answer holds it too. */
function requestId(request: IncomingMessage, response: ServerResponse): string {
  began.set(request, performance.now());
  const given = request.headers['x-request-id'];
  const id = typeof given === 'string' && /^[\w.:-]{1,64}$/.test(given) ? given : randomUUID();
  response.setHeader('X-Request-Id', id);
  return id;
}

function summary(request: IncomingMessage, response: ServerResponse): object {
  const { method } = request;
  const url = 'originalUrl' in request ? request.originalUrl : request.url;
  // A client that went away got no answer, whatever the status would have been.
  const status = response.writableFinished ? response.statusCode : null;
  return { method, url, status, ms: Math.round(msOf(request)) };
}

function msOf(request: IncomingMessage): number {
  return performance.now() - (began.get(request) ?? performance.now());
}
