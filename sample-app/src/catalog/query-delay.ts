import { Inject, Injectable } from '@nestjs/common';
import { SHOP_CONFIG } from '../config.js';
import type { ShopConfig } from '../config.js';

/** How much longer the query for the catalog takes than it has to: in a real shop it is slow by itself. */
@Injectable()
export class QueryDelay {
  constructor(@Inject(SHOP_CONFIG) private readonly config: ShopConfig) {}

  get ms(): number {
    return this.config.catalogQueryMs;
  }
}
