import { Injectable } from '@nestjs/common';
import { whole } from '../../shop/config/config.js';
import { mostQueryMs } from './settings.js';

/** How much longer the query for the catalog is made to take, in ms. It can be changed while the shop runs. */
@Injectable()
export class QuerySwitch {
  private current = queryMsFromEnvironment();

  get ms(): number {
    return this.current;
  }

  set(ms: number): void {
    this.current = ms;
  }
}

/** @throws ConfigError */
export function queryMsFromEnvironment(): number {
  return whole(process.env, 'CATALOG_QUERY_MS', 300, 0, mostQueryMs);
}
