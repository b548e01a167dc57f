import type { IncomingMessage } from 'node:http';
import { ControlError } from './control-error.js';

const loopback = /^(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?$/i;

/**
 * Refuses what a web page of somebody else could send from the visitor's own browser. The name in `Host` must be one of
 * this machine, which keeps away names that were made to lead here (DNS rebinding). A page's origin must be this one.
 * And a change must say that it is JSON, which a page elsewhere cannot do without being asked first.
 */
export function checkRequest({ method, headers }: IncomingMessage): void {
  const host = headers.host ?? '';
  if (!loopback.test(host))
    refuse('The controls can be reached by a name of this machine only: localhost or 127.0.0.1.');
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
