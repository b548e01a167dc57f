import { setTimeout as sleep } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import { SHOP_CONFIG } from '../config/config.js';
import type { ShopConfig } from '../config/config.js';

export interface OfferedPrice {
  readonly sku: string;
  readonly cents: number;
}

/** Stands for a service that knows what things cost today, and takes its time to say so. */
@Injectable()
export class Supplier {
  constructor(@Inject(SHOP_CONFIG) private readonly config: ShopConfig) {}

  /** @throws the reason of `signal` when it aborts: nobody waits for the answer any more */
  async prices(skus: readonly string[], signal: AbortSignal): Promise<OfferedPrice[]> {
    await sleep(this.config.supplierMs, undefined, { signal });
    return skus.map((sku) => ({ sku, cents: 1_000 + Math.floor(Math.random() * 9_000) }));
  }
}
