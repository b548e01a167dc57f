import { isNull } from 'drizzle-orm';
import type { AnyPgColumn } from 'drizzle-orm/pg-core';
import {
  bigint,
  index,
  integer,
  pgTable,
  primaryKey,
  serial,
  smallint,
  text,
  timestamp,
  unique,
  uuid,
} from 'drizzle-orm/pg-core';

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

/** One row: the number of changes of categories so far. A change adds one in its own statement. */
export const catalogVersion = pgTable('catalog_version', {
  id: integer('id').primaryKey(),
  version: bigint('version', { mode: 'number' }).notNull(),
});

/** What there is to sell. */
export const stock = pgTable('stock', {
  sku: text('sku').primaryKey(),
  name: text('name').notNull(),
  stock: integer('stock').notNull(),
  /** The largest fencing token that has written this row. A writer with a smaller one has lost its lock. */
  fence: bigint('fence', { mode: 'number' }).notNull().default(0),
});

export const orders = pgTable(
  'orders',
  {
    /** Orders of one sku have their ids in the order in which they took its stock. */
    id: serial('id').primaryKey(),
    /** The hash of the customer's token: see `customer.ts`. */
    customer: text('customer').notNull(),
    /** Chosen by the client: an order that is sent again is known by it. */
    idempotencyKey: text('idempotency_key').notNull(),
    replica: text('replica').notNull(),
    created: timestamp('created', { withTimezone: true, precision: 3 }).notNull().defaultNow(),
    /** When its event was sent; `null` until then. */
    announced: timestamp('announced', { withTimezone: true, precision: 3 }),
  },
  (table) => [
    unique('orders_key').on(table.customer, table.idempotencyKey),
    index('orders_waiting').on(table.id).where(isNull(table.announced)),
  ],
);

/** The articles of an order. */
export const orderLines = pgTable(
  'order_lines',
  {
    orderId: integer('order_id')
      .notNull()
      .references(() => orders.id),
    sku: text('sku')
      .notNull()
      .references(() => stock.sku),
    quantity: integer('quantity').notNull(),
    /** The fencing token of the article's lock under which the order was placed. */
    token: bigint('token', { mode: 'number' }).notNull(),
  },
  (table) => [primaryKey({ columns: [table.orderId, table.sku] })],
);

export const prices = pgTable('prices', {
  sku: text('sku')
    .primaryKey()
    .references(() => stock.sku),
  cents: integer('cents').notNull(),
  refreshedAt: timestamp('refreshed_at', { withTimezone: true, precision: 3 }).notNull().defaultNow(),
  /** The largest fencing token that has written this row. */
  fence: bigint('fence', { mode: 'number' }).notNull().default(0),
});

/** One row for each refresh of the prices. */
export const priceRefreshes = pgTable('price_refreshes', {
  id: serial('id').primaryKey(),
  run: uuid('run').notNull().unique(),
  replica: text('replica').notNull(),
  token: bigint('token', { mode: 'number' }).notNull(),
  started: timestamp('started', { withTimezone: true, precision: 3 }).notNull().defaultNow(),
  /** `null` while it runs, and permanently if its replica died. */
  ended: timestamp('ended', { withTimezone: true, precision: 3 }),
});

export type Category = typeof categories.$inferSelect;
export type StockItem = typeof stock.$inferSelect;
export type OrderLine = Omit<typeof orderLines.$inferSelect, 'orderId'>;
/** As a customer sees it. */
export type Order = Omit<typeof orders.$inferSelect, 'customer' | 'announced'> & { readonly lines: OrderLine[] };
export type Price = typeof prices.$inferSelect;
