import type { IncomingMessage } from 'node:http';
import { ControlError } from './control-error.js';

const loopback = /^(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?$/i;

/**
 * Rejects requests that a web page of another site could send from the visitor's browser. `Host` must be a name of this
 * machine, which prevents DNS rebinding. The origin of a page must be this one. A change must have the content type
 * JSON, which other sites cannot send without a preflight request.
 */
export function checkRequest({ method, headers }: IncomingMessage): void {
  const host = headers.host ?? '';
  if (!loopback.test(host)) refuse('The controls can be reached only at localhost or 127.0.0.1.');
  const { origin } = headers;
  if (origin !== undefined && origin !== `http://${host}`) refuse('The controls can be used from their own page only.');
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none')
    refuse('The controls can be used from their own page only.');
  if (method === 'POST' && !/^application\/json *(;|$)/i.test(headers['content-type'] ?? '')) {
    refuse('The body must be JSON: send it with "Content-Type: application/json".');
  }
}

function refuse(message: string): never {
  throw new ControlError(403, message);
}
