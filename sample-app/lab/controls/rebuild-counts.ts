import { and, asc, count, eq, gt, isNull, max } from 'drizzle-orm';
import { WHOLE_CATALOG } from '../../shop/catalog/whole-catalog.js';
import type { Database } from '../../shop/database/database.js';
import { rebuilds } from '../rebuilds/rebuilds-table.js';

/** The rebuilds of the whole catalog, counted in the database and independent of the locks. */
export class RebuildCounts {
  constructor(private readonly database: Database) {}

  /** Marks the present moment; the other methods count from it. */
  async last(): Promise<number> {
    const [row] = await this.database.select({ last: max(rebuilds.id) }).from(rebuilds);
    return row?.last ?? 0;
  }

  async since(last: number): Promise<number> {
    const [row] = await this.database.select({ count: count() }).from(rebuilds).where(after(last));
    return row?.count ?? 0;
  }

  /** The rebuild that runs now, or whose replica died, with its fencing token. */
  async runningSince(last: number): Promise<{ id: number; replica: string; token: number | null } | null> {
    const { id, replica, token } = rebuilds;
    const [row] = await this.database
      .select({ id, replica, token })
      .from(rebuilds)
      .where(and(after(last), isNull(rebuilds.ended)))
      .orderBy(asc(rebuilds.id))
      .limit(1);
    return row ?? null;
  }

  /** Whether the rebuild has not ended. */
  async isRunning(id: number): Promise<boolean> {
    const [row] = await this.database.select({ ended: rebuilds.ended }).from(rebuilds).where(eq(rebuilds.id, id));
    return row?.ended === null;
  }
}

function after(last: number) {
  return and(gt(rebuilds.id, last), eq(rebuilds.section, WHOLE_CATALOG));
}
