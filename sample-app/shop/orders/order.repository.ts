import { Inject, Injectable } from '@nestjs/common';
import { and, asc, DrizzleQueryError, eq, inArray, sql } from 'drizzle-orm';
import type { SQL } from 'drizzle-orm';
import pg from 'pg';
import { SHOP_CONFIG } from '../config/config.js';
import type { ShopConfig } from '../config/config.js';
import { DATABASE } from '../database/database.js';
import type { Database } from '../database/database.js';
import { orderLines, orders, stock } from '../database/schema.js';
import type { Order, OrderLine, StockItem } from '../database/schema.js';

const uniqueViolation = '23505';

/** Identifies an order that is sent again. Two customers may use the same key. */
export interface OrderKey {
  readonly customer: string;
  readonly key: string;
}

/** The data that an order depends on. */
export interface Standing {
  /** The articles of the order, as far as they exist. */
  readonly items: readonly StockItem[];
  /** The order that was placed under the same key before. */
  readonly placed: Order | undefined;
}

@Injectable()
export class OrderRepository {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(SHOP_CONFIG) private readonly config: ShopConfig,
  ) {}

  async standing(skus: readonly string[], { customer, key }: OrderKey): Promise<Standing> {
    // In this order: an earlier request under the same key may take the stock between the two, and is then seen.
    const items = await this.database.select().from(stock).where(inArray(stock.sku, skus));
    return { items, placed: await this.find(eq(orders.customer, customer), eq(orders.idempotencyKey, key)) };
  }

  /**
   * Takes the stock of all articles and writes the order, all or nothing: in one statement, so that no transaction stays
   * open, with rows locked, in a process that is stopped in the middle.
   *
   * `undefined`, and nothing is changed, when too little is left of an article, or its row was written under a larger
   * token, or the key is taken.
   */
  async write(lines: readonly OrderLine[], { customer, key }: OrderKey): Promise<Order | undefined> {
    const { replica } = this.config;
    try {
      const { rows } = await this.database.execute<{ id: number; created: string }>(sql`
        with wanted as (
          select * from json_to_recordset(${JSON.stringify(lines)}::json) as wanted (sku text, quantity int, token bigint)
        ), ready as (
          -- Locks the rows. In the order of their names, so that no two orders wait for each other.
          select stock.sku from stock join wanted using (sku)
          where stock >= quantity and fence <= token order by stock.sku for update of stock
        ), complete as (
          select from ready having count(*) = ${lines.length}::int
        ), taken as (
          update stock set stock = stock - quantity, fence = token
          from wanted, complete where stock.sku = wanted.sku
        ), placed as (
          insert into orders (customer, idempotency_key, replica)
          select ${customer}::text, ${key}::text, ${replica}::text from complete
          returning id, created
        ), listed as (
          insert into order_lines (order_id, sku, quantity, token) select id, sku, quantity, token from placed, wanted
        )
        select id, created from placed`);
      const [row] = rows;
      if (row === undefined) return undefined;
      return { id: row.id, idempotencyKey: key, lines: [...lines], replica, created: new Date(row.created) };
    } catch (error) {
      if (isKeyTaken(error)) return undefined;
      throw error;
    }
  }

  /** The order of this customer; `undefined` if there is none, or if it belongs to another customer. */
  order(id: number, customer: string): Promise<Order | undefined> {
    return this.find(eq(orders.id, id), eq(orders.customer, customer));
  }

  stock(): Promise<StockItem[]> {
    return this.database.select().from(stock).orderBy(asc(stock.sku));
  }

  async stockOf(sku: string): Promise<StockItem | undefined> {
    const [item] = await this.database.select().from(stock).where(eq(stock.sku, sku));
    return item;
  }

  private async find(...conditions: SQL[]): Promise<Order | undefined> {
    const rows = await this.database
      .select({ order: orders, line: orderLines })
      .from(orders)
      .innerJoin(orderLines, eq(orderLines.orderId, orders.id))
      .where(and(...conditions))
      .orderBy(asc(orderLines.sku));
    const [first] = rows;
    if (first === undefined) return undefined;
    const { id, idempotencyKey, replica, created } = first.order;
    const lines = rows.map(({ line: { sku, quantity, token } }) => ({ sku, quantity, token }));
    return { id, idempotencyKey, lines, replica, created };
  }
}

/** A unique index refused the row: an order under this key was placed a moment ago, maybe for other articles. */
function isKeyTaken(error: unknown): boolean {
  const cause = error instanceof DrizzleQueryError ? error.cause : error;
  return cause instanceof pg.DatabaseError && cause.code === uniqueViolation;
}
