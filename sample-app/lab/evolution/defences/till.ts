import { sql } from 'drizzle-orm';
import type { SQL } from 'drizzle-orm';
import type { LockService } from 'nestjs-redis-lock';
import type { Database } from '../../../shop/database/database.js';

/** The safeguards against selling a piece twice. Each can be switched off here, but not in the shop. */
export interface Lines {
  readonly lock: boolean;
  /** `where stock >= 1` in the statement that takes the piece. */
  readonly condition: boolean;
  /** `where fence <= token` in every statement that writes. */
  readonly token: boolean;
  /** The unique index on the key of an order. */
  readonly key: boolean;
}

/** `refused`: the buyer saw a piece in stock, and the order was then rejected. */
export type Sale = 'sold' | 'repeated' | 'sold-out' | 'refused';

/** Short and not renewed: a longer section is in the position of a process that was suspended. */
const leaseMs = 300;

/** One article with one piece in stock and a price, sold and priced as in the shop, but with removable safeguards. */
export class Till {
  constructor(
    private readonly database: Database,
    private readonly locks: LockService,
    private readonly lines: Lines,
  ) {}

  async open(): Promise<void> {
    await this.database.execute(sql`
      drop table if exists piece, sale;
      create table piece (stock int not null, cents int not null, fence bigint not null);
      create table sale (key text not null);
      insert into piece values (1, 1000, 0);
    `);
    if (this.lines.key) await this.database.execute(sql`create unique index on sale (key)`);
  }

  /** Sells the piece. `beforeWriting` runs after the buyer has seen the stock. */
  sell(key: string, beforeWriting: () => Promise<void> = () => Promise.resolve()): Promise<Sale> {
    return this.underLock(async (token) => {
      if ((await this.count()).left < 1) return 'sold-out';
      await beforeWriting();
      return this.take(key, token);
    });
  }

  /** Sets the price. `beforeWriting` runs when the price is known, and not yet written. Tells whether it was written. */
  price(cents: number, beforeWriting: () => Promise<void> = () => Promise.resolve()): Promise<boolean> {
    return this.underLock(async (token) => {
      await beforeWriting();
      const { rowCount } = await this.database.execute(
        sql`update piece set cents = ${cents}::int, fence = ${token}::bigint where ${this.mayWrite(token)}`,
      );
      return rowCount === 1;
    });
  }

  /** A clerk takes the piece from the shelf without a lock. */
  async takeFromShelf(): Promise<void> {
    await this.database.execute(sql`update piece set stock = stock - 1`);
  }

  /** A new piece is put on the shelf. */
  async restock(): Promise<void> {
    await this.database.execute(sql`update piece set stock = stock + 1`);
  }

  /** As the database has it. */
  async count(): Promise<{ left: number; sold: number; cents: number }> {
    const { rows } = await this.database.execute<{ left: number; sold: number; cents: number }>(
      sql`select stock as left, cents, (select count(*)::int from sale) as sold from piece`,
    );
    const [row] = rows;
    if (row === undefined) throw new Error('The till was not opened.');
    return row;
  }

  private async take(key: string, token: number): Promise<Sale> {
    const enough = this.lines.condition ? sql`stock >= 1` : sql`true`;
    try {
      const { rowCount } = await this.database.execute(sql`
        with taken as (
          update piece set stock = stock - 1, fence = ${token}::bigint
          where ${enough} and ${this.mayWrite(token)} returning 1
        )
        insert into sale select ${key}::text from taken`);
      return rowCount === 1 ? 'sold' : 'refused';
    } catch (error) {
      if (this.lines.key && String((error as Error).cause).includes('unique')) return 'repeated';
      throw error;
    }
  }

  private mayWrite(token: number): SQL {
    return this.lines.token && this.lines.lock ? sql`fence <= ${token}::bigint` : sql`true`;
  }

  private underLock<T>(section: (token: number) => Promise<T>): Promise<T> {
    if (!this.lines.lock) return section(0);
    return this.locks.withLock('till', ({ token }) => section(token), { lease: leaseMs, renew: false });
  }
}
