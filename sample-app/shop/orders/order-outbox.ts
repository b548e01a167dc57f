import { Inject, Injectable } from '@nestjs/common';
import { asc, eq, inArray, isNull } from 'drizzle-orm';
import { DATABASE } from '../database/database.js';
import type { Database } from '../database/database.js';
import { orderLines, orders } from '../database/schema.js';

/** What the relay tells about an order: nothing about the customer. */
export interface OrderEvent {
  readonly id: number;
  readonly created: Date;
  readonly lines: readonly { readonly sku: string; readonly quantity: number }[];
}

/** The orders whose event has not been sent. A row of `orders` is its own entry in the outbox. */
@Injectable()
export class OrderOutbox {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** The oldest orders without an event. */
  async waiting(most: number): Promise<OrderEvent[]> {
    const next = this.database
      .select({ id: orders.id, created: orders.created })
      .from(orders)
      .where(isNull(orders.announced))
      .orderBy(asc(orders.id))
      .limit(most)
      .as('next');
    const rows = await this.database
      .select({ id: next.id, created: next.created, sku: orderLines.sku, quantity: orderLines.quantity })
      .from(next)
      .innerJoin(orderLines, eq(orderLines.orderId, next.id))
      .orderBy(asc(next.id), asc(orderLines.sku));
    const ids = [...new Set(rows.map(({ id }) => id))];
    return ids.map((id) => {
      const ofOrder = rows.filter((row) => row.id === id);
      const lines = ofOrder.map(({ sku, quantity }) => ({ sku, quantity }));
      return { id, created: ofOrder[0]?.created ?? new Date(), lines };
    });
  }

  async sent(ids: readonly number[]): Promise<void> {
    await this.database
      .update(orders)
      .set({ announced: new Date() })
      .where(inArray(orders.id, [...ids]));
  }
}
