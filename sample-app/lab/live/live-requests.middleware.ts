import { Injectable } from '@nestjs/common';
import type { NestMiddleware } from '@nestjs/common';
import type { NextFunction, Request, Response } from 'express';
import { LiveRecorder } from './live-recorder.js';

/** The page's own requests, and those that ask whether the replica is alive. */
const notCounted = /^\/(live|health)([/?]|$)/;

/** Counts the requests of customers, and how long they take. */
@Injectable()
export class LiveRequestsMiddleware implements NestMiddleware {
  constructor(private readonly recorder: LiveRecorder) {}

  use(request: Request, response: Response, next: NextFunction): void {
    if (!notCounted.test(request.originalUrl)) this.count(response);
    next();
  }

  private count(response: Response): void {
    const { counts } = this.recorder;
    const began = performance.now();
    counts.requestBegan();
    response.once('close', () => {
      const status = response.writableFinished ? response.statusCode : null;
      // Only a busy lock says when to try again; 409 also means sold out.
      const busy = status === 409 && response.hasHeader('Retry-After');
      counts.requestEnded(status, performance.now() - began, busy);
    });
  }
}
