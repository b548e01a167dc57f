import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'drizzle-orm';
import { currentLease } from 'nestjs-redis-lock';
import { CategoryRepository } from '../../shop/catalog/category.repository.js';
import type { VersionedRows } from '../../shop/catalog/category.repository.js';
import { DATABASE } from '../../shop/database/database.js';
import type { Database } from '../../shop/database/database.js';
import { QuerySwitch } from '../live/query-switch.js';
import { RebuildRepository } from '../rebuilds/rebuild.repository.js';

/** Records every query for the catalog, and makes it as slow as it is in a shop of a real size. */
@Injectable()
export class RecordedCategoryRepository extends CategoryRepository {
  constructor(
    @Inject(DATABASE) private readonly slowDatabase: Database,
    private readonly query: QuerySwitch,
    private readonly rebuilds: RebuildRepository,
  ) {
    super(slowDatabase);
  }

  /** Returns the rows of the moment when the query begins, as one long query does. */
  override async read(section: string): Promise<VersionedRows> {
    const rebuild = await this.rebuilds.begin(section, currentLease()?.token ?? null);
    const rows = await super.read(section);
    await this.slowDatabase.execute(sql`select pg_sleep(${this.query.ms / 1000})`);
    await this.rebuilds.end(rebuild);
    return rows;
  }
}
