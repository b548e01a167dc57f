import { Inject, Injectable } from '@nestjs/common';
import { currentLease, LockBusyError, WithLock } from 'nestjs-redis-lock';
import type { Order } from '../database/schema.js';
import { orderChannel } from './order-channels.js';
import type { OrderMessage } from './order-channels.js';
import { KeyReusedException, SoldOutException, StaleOrderException, UnknownSkuException } from './order-errors.js';
import { OrderRepository } from './order.repository.js';
import type { Standing } from './order.repository.js';
import type { NewOrder } from './new-order.js';

/** How long a buyer waits for those in front, in ms, until told to try again. */
const longestWait = 5_000;

export interface Placement {
  readonly order: Order;
  /** Whether it was placed by an earlier request with the same key. */
  readonly repeated: boolean;
}

/**
 * Sells what is in stock. Three things stand between a crowd of buyers and a pallet that is sold twice:
 *
 * - The lock. Buyers of one article come one after another, over all replicas, and each reads what the last one left.
 * - The database's own conditions, for when the lock fails: stock is taken only where there is enough of it, and only
 *   under a token larger than that of everyone who wrote before. A process that was stopped for longer than its lease,
 *   and goes on as if it held the lock, changes nothing.
 * - The unique key of an order, for when the answer is lost: asked again, the same order is answered.
 */
@Injectable()
export class OrdersService {
  constructor(@Inject(OrderRepository) private readonly orders: OrderRepository) {}

  /**
   * Places an order once, however often it is asked for under the same key.
   *
   * @throws UnknownSkuException, SoldOutException, KeyReusedException
   * @throws StaleOrderException, LockError if it is worth asking again
   */
  async place(wanted: NewOrder, key: string): Promise<Placement> {
    const began = performance.now();
    const report = (outcome: OrderMessage['outcome'], token: number | null): void => {
      const { sku, quantity } = wanted;
      const message: OrderMessage = { sku, quantity, outcome, token, ms: performance.now() - began };
      orderChannel.publish(message);
    };
    try {
      const placement = await this.placeOrRepeat(wanted, key, (token) => report('stale', token));
      report(placement.repeated ? 'repeated' : 'placed', placement.order.token);
      return placement;
    } catch (error) {
      const { outcome, token } = failureOf(error);
      report(outcome, token);
      throw error;
    }
  }

  private async placeOrRepeat(wanted: NewOrder, key: string, onStale: (token: number) => void): Promise<Placement> {
    // Before the lock: neither who asks again nor who comes too late has to stand in line, and a made-up name leaves no
    // keys in Redis.
    const known = settled(wanted, await this.orders.standing(wanted.sku, key));
    if (known !== null) return known;
    try {
      return await this.placeAlone(wanted, key);
    } catch (error) {
      if (!(error instanceof StaleOrderException)) throw error;
      onStale(error.token);
      // Once more, under a new lock: the buyer did nothing wrong.
      return this.placeAlone(wanted, key);
    }
  }

  // A call inside the section would get the same token, and its order would be refused as stale: it gets an error.
  @WithLock<[NewOrder, string]>('stock:<0.sku>', { wait: longestWait, nested: 'refuse' })
  async placeAlone(wanted: NewOrder, key: string): Promise<Placement> {
    const token = tokenOfLock();
    // Whoever had the lock before may have taken the last one.
    const known = settled(wanted, await this.orders.standing(wanted.sku, key));
    if (known !== null) return known;

    // Nothing is asked of the lease here: if it is lost by now, the database refuses the token.
    const order = await this.orders.write(wanted, key, token);
    if (order !== undefined) return { order, repeated: false };

    // Refused. An earlier request of this buyer may have got through meanwhile, or somebody took what was left.
    const late = settled(wanted, await this.orders.standing(wanted.sku, key));
    if (late !== null) return late;
    throw new StaleOrderException(token);
  }
}

/**
 * The order that was placed before under this key; `null` if there is none and enough is left.
 *
 * @throws UnknownSkuException, SoldOutException, KeyReusedException if no order can be placed
 */
function settled({ sku, quantity }: NewOrder, standing: Standing | undefined): Placement | null {
  if (standing === undefined) throw new UnknownSkuException(sku);
  const { item, placed } = standing;
  if (placed !== null) {
    if (placed.sku !== sku || placed.quantity !== quantity) throw new KeyReusedException();
    return { order: placed, repeated: true };
  }
  if (item.stock < quantity) throw new SoldOutException(sku, item.stock);
  return null;
}

function tokenOfLock(): number {
  const lease = currentLease();
  if (lease === undefined) throw new Error('An order can only be placed under the lock of its stock.');
  return lease.token;
}

function failureOf(error: unknown): Pick<OrderMessage, 'outcome' | 'token'> {
  if (error instanceof SoldOutException) return { outcome: 'sold-out', token: null };
  if (error instanceof StaleOrderException) return { outcome: 'stale', token: error.token };
  return { outcome: error instanceof LockBusyError ? 'busy' : 'failed', token: null };
}
