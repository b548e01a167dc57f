import { Inject, Injectable } from '@nestjs/common';
import { asc, eq, sql } from 'drizzle-orm';
import { DATABASE } from '../database/database.js';
import type { Database } from '../database/database.js';
import { catalogVersion, categories } from '../database/schema.js';
import type { Category } from '../database/schema.js';
import { WHOLE_CATALOG } from './whole-catalog.js';

/** The rows of a section, with the number of changes they contain. */
export interface VersionedRows {
  readonly version: number;
  readonly rows: Category[];
}

export interface RenamedCategory {
  readonly category: Category;
  /** The version of the catalog from which on it has the new name. */
  readonly version: number;
}

@Injectable()
export class CategoryRepository {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /**
   * All categories of a section, or of all sections, parents before their children. This is the slow query. Rows and
   * version come from one statement, so they belong together.
   */
  async read(section: string): Promise<VersionedRows> {
    const wanted = section === WHOLE_CATALOG ? sql`true` : eq(categories.section, section);
    const found = await this.database
      .select({ version: catalogVersion.version, category: categories })
      .from(catalogVersion)
      .leftJoin(categories, wanted)
      .orderBy(asc(categories.level), asc(categories.id));
    return {
      version: found[0]?.version ?? 0,
      rows: found.flatMap(({ category }) => (category === null ? [] : [category])),
    };
  }

  /** The version of the last change. */
  async version(): Promise<number> {
    const [row] = await this.database.select({ version: catalogVersion.version }).from(catalogVersion);
    return row?.version ?? 0;
  }

  async hasSection(section: string): Promise<boolean> {
    // PostgreSQL refuses to compare with it.
    if (section.includes('\0')) return false;
    const wanted = eq(categories.section, section);
    return (await this.database.select({ id: categories.id }).from(categories).where(wanted).limit(1)).length > 0;
  }

  /** The category under its new name; `undefined` if there is none with this id. */
  async rename(id: number, name: string): Promise<RenamedCategory | undefined> {
    // One statement: the new name and the new version become visible together, and no transaction stays open, with the
    // row of the version locked, in a process that is stopped in the middle.
    const { rows } = await this.database.execute<
      Omit<Category, 'parentId'> & { parent_id: number; version: string }
    >(sql`
      with renamed as (update categories set name = ${name} where id = ${id} returning *),
      counted as (
        update catalog_version set version = version + 1 where exists (select from renamed) returning version
      )
      select renamed.*, counted.version from renamed, counted`);
    const [row] = rows;
    if (row === undefined) return undefined;
    const { parent_id: parentId, version, ...category } = row;
    return { category: { ...category, parentId }, version: Number(version) };
  }
}
