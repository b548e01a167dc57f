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
    create table if not exists catalog_version (
      id integer primary key check (id = 1),
      version bigint not null
    );
    create table if not exists stock (
      sku text primary key,
      name text not null,
      stock integer not null check (stock >= 0),
      fence bigint not null default 0
    );
    create table if not exists orders (
      id serial primary key,
      customer text not null,
      idempotency_key text not null,
      replica text not null,
      created timestamptz(3) not null default now(),
      announced timestamptz(3),
      constraint orders_key unique (customer, idempotency_key)
    );
    create index if not exists orders_waiting on orders (id) where announced is null;
    create table if not exists order_lines (
      order_id integer not null references orders (id) on delete cascade,
      sku text not null references stock (sku),
      quantity integer not null check (quantity > 0),
      token bigint not null,
      primary key (order_id, sku)
    );
    create table if not exists prices (
      sku text primary key references stock (sku),
      cents integer not null check (cents > 0),
      refreshed_at timestamptz(3) not null default now(),
      fence bigint not null default 0
    );
    create table if not exists price_refreshes (
      id serial primary key,
      run uuid not null unique,
      replica text not null,
      token bigint not null,
      started timestamptz(3) not null default now(),
      ended timestamptz(3)
    );
  `);
}
