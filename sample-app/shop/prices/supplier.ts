import { setTimeout as sleep } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import { SHOP_CONFIG } from '../config/config.js';
import type { ShopConfig } from '../config/config.js';

export interface OfferedPrice {
  readonly sku: string;
  readonly cents: number;
}

/** Simulates a slow service that returns the current prices. */
@Injectable()
export class Supplier {
  constructor(@Inject(SHOP_CONFIG) private readonly config: ShopConfig) {}

  /** @throws the reason of `signal` when it aborts */
  async prices(skus: readonly string[], signal: AbortSignal): Promise<OfferedPrice[]> {
    await sleep(this.config.supplierMs, undefined, { signal });
    return skus.map((sku) => ({ sku, cents: 1_000 + Math.floor(Math.random() * 9_000) }));
  }
}
