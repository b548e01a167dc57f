import { Inject, Injectable } from '@nestjs/common';
import { eq, sql } from 'drizzle-orm';
import { SHOP_CONFIG } from '../config/config.js';
import type { ShopConfig } from '../config/config.js';
import { DATABASE } from '../database/database.js';
import type { Database } from '../database/database.js';
import { rebuilds } from '../database/schema.js';

/** Writes down every rebuild, in the database and not in the lock's own books. */
@Injectable()
export class RebuildRepository {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(SHOP_CONFIG) private readonly config: ShopConfig,
  ) {}

  /** Notes that a rebuild begins, and returns what `end` needs. */
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
