import { sql } from 'drizzle-orm';
import type { Database } from '../../../sample-app/shop/database/database.js';

/** The books, as the database has them: every number is counted by SQL. */
export interface Ledger {
  readonly orders: number;
  readonly keys: number;
  /** Articles of which more was sold than there was, or whose sold and left are not what there was. */
  readonly wrong: readonly string[];
  readonly soldOut: number;
  /** Orders whose token is not larger than that of the order before, of the same article. */
  readonly tokensBack: number;
  /** Articles whose fence is not the token of the last order. */
  readonly wrongFences: number;
  readonly placedBy: Readonly<Record<string, number>>;
}

export async function ledger(database: Database, pieces: ReadonlyMap<string, number>): Promise<Ledger> {
  const initial = JSON.stringify([...pieces].map(([sku, count]) => ({ sku, count })));
  const { rows } = await database.execute<Omit<Ledger, 'placedBy'>>(sql`
    with initial as (select * from json_to_recordset(${initial}::json) as initial (sku text, count int)),
    sold as (select sku, sum(quantity)::int as quantity, max(token) as token from order_lines group by sku),
    books as (
      select initial.sku, initial.count, stock.stock as left, coalesce(sold.quantity, 0) as sold, stock.fence, sold.token
      from initial join stock using (sku) left join sold using (sku)
    ),
    steps as (select token, lag(token) over (partition by sku order by order_id) as before from order_lines)
    select
      (select count(*)::int from orders) as orders,
      (select count(distinct (customer, idempotency_key))::int from orders) as keys,
      (select coalesce(json_agg(sku), '[]') from books
        where sold > count or "left" < 0 or sold + "left" <> count) as wrong,
      (select count(*)::int from books where "left" = 0) as "soldOut",
      (select count(*)::int from steps where token <= before) as "tokensBack",
      (select count(*)::int from books where fence <> coalesce(token, 0)) as "wrongFences"`);
  const placed = await database.execute<{ replica: string; count: number }>(
    sql`select replica, count(*)::int as count from orders group by replica order by replica`,
  );
  return { ...rows[0]!, placedBy: Object.fromEntries(placed.rows.map(({ replica, count }) => [replica, count])) };
}
