import { eq, gt, and } from 'drizzle-orm';
import type { LockService } from 'nestjs-redis-lock';
import type { Database } from '../database/database.js';
import { prices, stock } from '../database/schema.js';
import { lockOf } from './orders.service.js';

export interface LoweredFence {
  readonly table: 'stock' | 'prices';
  readonly sku: string;
  readonly from: number;
  readonly to: number;
}

/**
 * Lowers every stored fencing token that is ahead of the tokens that the locks issue now, to the token of the lock it
 * takes for that. The locks exclude all others meanwhile, and later holders have larger tokens.
 *
 * Only with all replicas stopped: writes of a process that has lost its lock, with a token between the two, would no
 * longer be rejected.
 */
export async function lowerFences(database: Database, locks: LockService): Promise<LoweredFence[]> {
  const lowered: LoweredFence[] = [];
  const lower = async (table: typeof stock | typeof prices, sku: string, lock: string): Promise<void> => {
    await locks.withLock(lock, async ({ token }) => {
      const [row] = await database
        .select({ fence: table.fence })
        .from(table)
        .where(and(eq(table.sku, sku), gt(table.fence, token)));
      if (row === undefined) return;
      await database.update(table).set({ fence: token }).where(eq(table.sku, sku));
      lowered.push({ table: table === stock ? 'stock' : 'prices', sku, from: row.fence, to: token });
    });
  };
  for (const { sku } of await database.select({ sku: stock.sku }).from(stock)) {
    await lower(stock, sku, lockOf(sku));
    await lower(prices, sku, 'prices:refresh');
  }
  return lowered;
}
