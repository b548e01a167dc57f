import { Inject, Injectable } from '@nestjs/common';
import type { NestMiddleware } from '@nestjs/common';
import type { NextFunction, Request, Response } from 'express';
import { SHOP_CONFIG } from '../config/config.js';
import type { ShopConfig } from '../config/config.js';

/** Names the process that answered, also in an answer that is an error. */
@Injectable()
export class ReplicaMiddleware implements NestMiddleware {
  constructor(@Inject(SHOP_CONFIG) private readonly config: ShopConfig) {}

  use(_request: Request, response: Response, next: NextFunction): void {
    response.setHeader('X-Replica', this.config.replica);
    next();
  }
}
