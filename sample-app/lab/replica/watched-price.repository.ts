import { Inject, Injectable } from '@nestjs/common';
import { SHOP_CONFIG } from '../../shop/config/config.js';
import type { ShopConfig } from '../../shop/config/config.js';
import { DATABASE } from '../../shop/database/database.js';
import type { Database } from '../../shop/database/database.js';
import { PriceRepository } from '../../shop/prices/price.repository.js';
import type { OfferedPrice } from '../../shop/prices/supplier.js';
import { LiveRecorder } from '../live/live-recorder.js';

/** Reports each complete price refresh to the live page. */
@Injectable()
export class WatchedPriceRepository extends PriceRepository {
  constructor(
    @Inject(DATABASE) database: Database,
    @Inject(SHOP_CONFIG) config: ShopConfig,
    private readonly recorder: LiveRecorder,
  ) {
    super(database, config);
  }

  override async write(refresh: number, offered: readonly OfferedPrice[], token: number): Promise<number> {
    const written = await super.write(refresh, offered, token);
    if (written === offered.length) this.recorder.note({ type: 'prices-refreshed', token });
    return written;
  }
}
