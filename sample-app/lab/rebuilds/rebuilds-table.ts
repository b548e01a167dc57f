import { sql } from 'drizzle-orm';
import { bigint, pgTable, serial, text, timestamp } from 'drizzle-orm/pg-core';
import type { Database } from '../../shop/database/database.js';

/** One row for each time a replica builds the catalog from the database: the lab judges every lock by these rows. */
export const rebuilds = pgTable('rebuilds', {
  id: serial('id').primaryKey(),
  replica: text('replica').notNull(),
  section: text('section').notNull(),
  /** The fencing token of the lock that the rebuild holds; `null` without one. */
  token: bigint('token', { mode: 'number' }),
  started: timestamp('started', { withTimezone: true, precision: 3 }).notNull().defaultNow(),
  /** `null` while it runs, and also if its replica dies. */
  ended: timestamp('ended', { withTimezone: true, precision: 3 }),
});

export async function createRebuildsTable(database: Database): Promise<void> {
  await database.execute(sql`
    create table if not exists rebuilds (
      id serial primary key,
      replica text not null,
      section text not null,
      token bigint,
      started timestamptz(3) not null default now(),
      ended timestamptz(3)
    )`);
}
