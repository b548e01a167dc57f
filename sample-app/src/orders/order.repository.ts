import { Inject, Injectable } from '@nestjs/common';
import { asc, DrizzleQueryError, eq, sql } from 'drizzle-orm';
import pg from 'pg';
import { SHOP_CONFIG } from '../config.js';
import type { ShopConfig } from '../config.js';
import { DATABASE } from '../database/database.js';
import type { Database } from '../database/database.js';
import { orders, stock } from '../database/schema.js';
import type { Order, StockItem } from '../database/schema.js';
import type { NewOrder } from './new-order.js';

const uniqueViolation = '23505';

/** What the database knows that matters to an order, at one moment. */
export interface Standing {
  readonly item: StockItem;
  /** The order that was placed under the same key before. */
  readonly placed: Order | null;
}

@Injectable()
export class OrderRepository {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(SHOP_CONFIG) private readonly config: ShopConfig,
  ) {}

  /** `undefined` if there is no such sku. */
  async standing(sku: string, key: string): Promise<Standing | undefined> {
    const [row] = await this.database
      .select({ item: stock, placed: orders })
      .from(stock)
      .leftJoin(orders, eq(orders.idempotencyKey, key))
      .where(eq(stock.sku, sku));
    return row;
  }

  /**
   * Takes the stock and writes the order, both or nothing: in one statement, so that no transaction stays open, with
   * the row locked, in a process that is stopped in the middle.
   *
   * `undefined`, and nothing is changed, when too little is left, or somebody with a newer lock has written the row, or
   * the key is taken.
   */
  async write({ sku, quantity }: NewOrder, key: string, token: number): Promise<Order | undefined> {
    const { replica } = this.config;
    try {
      const { rows } = await this.database.execute<{ id: number; created: string }>(sql`
        with taken as (
          update stock set stock = stock - ${quantity}::int, fence = ${token}::bigint
          where sku = ${sku} and stock >= ${quantity}::int and fence <= ${token}::bigint
          returning sku
        )
        insert into orders (idempotency_key, sku, quantity, token, replica)
        select ${key}::text, sku, ${quantity}::int, ${token}::bigint, ${replica}::text from taken
        returning id, created`);
      const [row] = rows;
      if (row === undefined) return undefined;
      return { id: row.id, idempotencyKey: key, sku, quantity, token, replica, created: new Date(row.created) };
    } catch (error) {
      if (isKeyTaken(error)) return undefined;
      throw error;
    }
  }

  async order(id: number): Promise<Order | undefined> {
    const [order] = await this.database.select().from(orders).where(eq(orders.id, id));
    return order;
  }

  stock(): Promise<StockItem[]> {
    return this.database.select().from(stock).orderBy(asc(stock.sku));
  }

  async stockOf(sku: string): Promise<StockItem | undefined> {
    const [item] = await this.database.select().from(stock).where(eq(stock.sku, sku));
    return item;
  }
}

/** A unique index refused the row: an order under this key was placed a moment ago, maybe for another sku. */
function isKeyTaken(error: unknown): boolean {
  const cause = error instanceof DrizzleQueryError ? error.cause : error;
  return cause instanceof pg.DatabaseError && cause.code === uniqueViolation;
}
