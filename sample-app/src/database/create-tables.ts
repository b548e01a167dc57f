import { sql } from 'drizzle-orm';
import type { Database } from './database.js';

/** Creates the tables of `schema.ts` where they are missing. */
export async function createTables(database: Database): Promise<void> {
  await database.execute(sql`
    create table if not exists categories (
      id integer primary key,
      parent_id integer references categories (id),
      level smallint not null check (level between 1 and 3),
      section text not null,
      name text not null,
      check ((level = 1) = (parent_id is null))
    );
    create index if not exists categories_section on categories (section);
    create table if not exists rebuilds (
      id serial primary key,
      replica text not null,
      section text not null,
      token bigint,
      started timestamptz(3) not null default now(),
      ended timestamptz(3)
    );
  `);
}
