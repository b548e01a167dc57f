import type { NextFunction, Request, Response } from 'express';

/** For answers that are data. The pages set policies of their own, since they load scripts and styles. */
const headers = {
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  // Browsers ignore it unless the connection is encrypted.
  'Strict-Transport-Security': 'max-age=31536000',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
} as const;

/** Tells browsers to do nothing with an answer but what it is meant for. */
export function securityHeaders(_request: Request, response: Response, next: NextFunction): void {
  response.set(headers);
  response.removeHeader('X-Powered-By');
  next();
}
