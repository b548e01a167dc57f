import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'drizzle-orm';
import { CategoryRepository } from '../../shop/catalog/category.repository.js';
import type { VersionedRows } from '../../shop/catalog/category.repository.js';
import { DATABASE } from '../../shop/database/database.js';
import type { Database } from '../../shop/database/database.js';
import { QuerySwitch } from './query-switch.js';

/** Makes the query for the catalog slow: in a shop of a real size it is slow by itself. */
@Injectable()
export class SlowCategoryRepository extends CategoryRepository {
  constructor(
    @Inject(DATABASE) database: Database,
    @Inject(QuerySwitch) private readonly query: QuerySwitch,
  ) {
    super(database);
  }

  /** The rows are those of the moment the query began, as in one long query. */
  override async read(section: string): Promise<VersionedRows> {
    const rows = await super.read(section);
    await this.database.execute(sql`select pg_sleep(${this.query.ms / 1000})`);
    return rows;
  }
}
