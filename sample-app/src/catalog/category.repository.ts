import { Inject, Injectable } from '@nestjs/common';
import { asc, eq } from 'drizzle-orm';
import { DATABASE } from '../database/database.js';
import type { Database } from '../database/database.js';
import { categories } from '../database/schema.js';
import type { Category } from '../database/schema.js';
import { WHOLE_CATALOG } from './whole-catalog.js';

@Injectable()
export class CategoryRepository {
  constructor(@Inject(DATABASE) protected readonly database: Database) {}

  /** All categories of a section, or of all sections, parents before their children. This is the slow query. */
  read(section: string): Promise<Category[]> {
    const wanted = section === WHOLE_CATALOG ? undefined : eq(categories.section, section);
    return this.database.select().from(categories).where(wanted).orderBy(asc(categories.level), asc(categories.id));
  }

  async hasSection(section: string): Promise<boolean> {
    // PostgreSQL refuses to compare with it.
    if (section.includes('\0')) return false;
    const wanted = eq(categories.section, section);
    return (await this.database.select({ id: categories.id }).from(categories).where(wanted).limit(1)).length > 0;
  }

  /** The category under its new name; `undefined` if there is none with this id. */
  async rename(id: number, name: string): Promise<Category | undefined> {
    const renamed = await this.database.update(categories).set({ name }).where(eq(categories.id, id)).returning();
    return renamed[0];
  }
}
