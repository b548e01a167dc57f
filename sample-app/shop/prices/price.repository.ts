import { Inject, Injectable } from '@nestjs/common';
import { asc, eq, sql } from 'drizzle-orm';
import { SHOP_CONFIG } from '../config/config.js';
import type { ShopConfig } from '../config/config.js';
import { DATABASE } from '../database/database.js';
import type { Database } from '../database/database.js';
import { priceRefreshes, prices } from '../database/schema.js';
import type { Price } from '../database/schema.js';
import type { OfferedPrice } from './supplier.js';

@Injectable()
export class PriceRepository {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(SHOP_CONFIG) private readonly config: ShopConfig,
  ) {}

  prices(): Promise<Price[]> {
    return this.database.select().from(prices).orderBy(asc(prices.sku));
  }

  /** Whether there is a price of the article. */
  async has(sku: string): Promise<boolean> {
    const found = await this.database.select({ sku: prices.sku }).from(prices).where(eq(prices.sku, sku));
    return found.length > 0;
  }

  /**
   * Records that a refresh begins, and returns its number. `run` identifies it if it is recorded again, since the answer to
   * the first attempt was lost.
   */
  async begin(run: string, token: number): Promise<number> {
    const { replica } = this.config;
    const [row] = await this.database
      .insert(priceRefreshes)
      .values({ run, replica, token })
      .onConflictDoUpdate({ target: priceRefreshes.run, set: { token } })
      .returning({ id: priceRefreshes.id });
    if (row === undefined) throw new Error('PostgreSQL returned no number for the refresh.');
    return row.id;
  }

  /**
   * Writes the prices that no newer lock has written; returns how many those were. If that is all of them, the refresh
   * has ended, in the same statement. Writing again under the same token changes nothing more.
   */
  async write(refresh: number, offered: readonly OfferedPrice[], token: number): Promise<number> {
    const { rows } = await this.database.execute<{ count: number }>(sql`
      with written as (
        update prices set cents = offered.cents, refreshed_at = now(), fence = ${token}::bigint
        from json_to_recordset(${JSON.stringify(offered)}::json) as offered (sku text, cents int)
        where prices.sku = offered.sku and prices.fence <= ${token}::bigint
        returning prices.sku
      ), ended as (
        update price_refreshes set ended = now()
        where id = ${refresh}::int and (select count(*) from written) = ${offered.length}::int
      )
      select count(*)::int as count from written`);
    return rows[0]?.count ?? 0;
  }
}
