import type { AnyPgColumn } from 'drizzle-orm/pg-core';
import { bigint, index, integer, pgTable, serial, smallint, text, timestamp } from 'drizzle-orm/pg-core';

/** Three levels: a section of the shop, its groups, and what is in them. */
export const categories = pgTable(
  'categories',
  {
    id: integer('id').primaryKey(),
    parentId: integer('parent_id').references((): AnyPgColumn => categories.id),
    level: smallint('level').notNull(),
    /** The section it is in, or is, by its name in URLs. It stays when the category is renamed. */
    section: text('section').notNull(),
    name: text('name').notNull(),
  },
  (table) => [index('categories_section').on(table.section)],
);

/** One row for each time the catalog was built from the database: what the lock is judged by. */
export const rebuilds = pgTable('rebuilds', {
  id: serial('id').primaryKey(),
  replica: text('replica').notNull(),
  section: text('section').notNull(),
  /** The fencing token of the lock it ran under, if it ran under one. */
  token: bigint('token', { mode: 'number' }),
  started: timestamp('started', { withTimezone: true, precision: 3 }).notNull().defaultNow(),
  /** `null` while it runs, and for ever if its replica died. */
  ended: timestamp('ended', { withTimezone: true, precision: 3 }),
});

export type Category = typeof categories.$inferSelect;
