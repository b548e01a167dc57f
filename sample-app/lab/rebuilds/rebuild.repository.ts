import { Inject, Injectable } from '@nestjs/common';
import { eq, sql } from 'drizzle-orm';
import { SHOP_CONFIG } from '../../shop/config/config.js';
import type { ShopConfig } from '../../shop/config/config.js';
import { DATABASE } from '../../shop/database/database.js';
import type { Database } from '../../shop/database/database.js';
import { rebuilds } from './rebuilds-table.js';

/** Records every rebuild in the database, independently of the lock. */
@Injectable()
export class RebuildRepository {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(SHOP_CONFIG) private readonly config: ShopConfig,
  ) {}

  /** Records the start of a rebuild and returns the id that `end` needs. */
  async begin(section: string, token: number | null): Promise<number> {
    const { replica } = this.config;
    const [row] = await this.database
      .insert(rebuilds)
      .values({ replica, section, token })
      .returning({ id: rebuilds.id });
    if (row === undefined) throw new Error('The database did not return the row it inserted.');
    return row.id;
  }

  async end(id: number): Promise<void> {
    await this.database
      .update(rebuilds)
      .set({ ended: sql`now()` })
      .where(eq(rebuilds.id, id));
  }
}
