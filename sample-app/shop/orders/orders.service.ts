import { Injectable, Logger } from '@nestjs/common';
import { LockService } from 'nestjs-redis-lock';
import type { MultiLease } from 'nestjs-redis-lock';
import type { Order } from '../database/schema.js';
import { KeyReusedException, SoldOutException, StaleOrderException, UnknownSkuException } from './order-errors.js';
import { OrderRepository } from './order.repository.js';
import type { OrderKey, Standing } from './order.repository.js';
import type { NewOrderLine } from './new-order.js';

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
 * - The locks, one for each article of the order. Buyers of one article come one after another, over all replicas, and
 *   each reads what the last one left. Several locks are taken in an order that cannot deadlock, all or none.
 * - The database's own conditions, for when a lock fails: stock is taken only where there is enough of it, and only
 *   under a token that is not smaller than the one of the last writer. A process that was stopped for longer than its
 *   lease, and goes on as if it held the lock, changes nothing.
 * - The unique key of an order, for when the answer is lost: asked again, the same order is answered.
 */
@Injectable()
export class OrdersService {
  private readonly logger = new Logger(OrdersService.name);

  constructor(
    private readonly locks: LockService,
    private readonly orders: OrderRepository,
  ) {}

  /**
   * Places an order once, however often it is asked for under the same key.
   *
   * @throws UnknownSkuException, SoldOutException, KeyReusedException
   * @throws StaleOrderException, LockError if it is worth asking again
   */
  async place(lines: readonly NewOrderLine[], key: OrderKey): Promise<Placement> {
    // Before the lock: neither who asks again nor who comes too late has to stand in line, and a made-up name leaves no
    // keys in Redis.
    const known = await this.settled(lines, key);
    if (known !== null) return known;
    try {
      return await this.placeAlone(lines, key);
    } catch (error) {
      if (!(error instanceof StaleOrderException)) throw error;
      // Once more, under new locks: the buyer did nothing wrong.
      return this.placeAlone(lines, key);
    }
  }

  private placeAlone(lines: readonly NewOrderLine[], key: OrderKey): Promise<Placement> {
    const names = lines.map(({ sku }) => lockOf(sku));
    return this.locks.withLock(names, (lease) => this.placeUnder(lease, lines, key), { wait: longestWait });
  }

  private async placeUnder(lease: MultiLease, lines: readonly NewOrderLine[], key: OrderKey): Promise<Placement> {
    // Whoever had the lock before may have taken the last one.
    const known = await this.settled(lines, key);
    if (known !== null) return known;

    // Nothing is asked of the lease here: if it is lost by now, the database refuses the token.
    const withTokens = lines
      .map(({ sku, quantity }) => ({ sku, quantity, token: tokenOf(lease, sku) }))
      .sort((a, b) => (a.sku < b.sku ? -1 : 1));
    const order = await this.orders.write(withTokens, key);
    if (order !== undefined) {
      this.logger.debug({ id: order.id, lines: withTokens }, 'order placed');
      return { order, repeated: false };
    }

    // Refused. An earlier request of this buyer may have got through meanwhile, or somebody took what was left.
    const late = await this.settled(lines, key);
    if (late !== null) return late;
    this.logger.warn({ lines: withTokens }, 'order refused: an article was written under a newer lock');
    throw new StaleOrderException();
  }

  /**
   * The order that was placed before under this key; `null` if there is none and enough is left of everything.
   *
   * @throws UnknownSkuException, SoldOutException, KeyReusedException if no order can be placed
   */
  private async settled(lines: readonly NewOrderLine[], key: OrderKey): Promise<Placement | null> {
    const { items, placed }: Standing = await this.orders.standing(
      lines.map(({ sku }) => sku),
      key,
    );
    if (placed !== undefined) {
      const same = ({ sku, quantity }: NewOrderLine): boolean =>
        placed.lines.some((line) => line.sku === sku && line.quantity === quantity);
      if (placed.lines.length !== lines.length || !lines.every(same)) throw new KeyReusedException();
      return { order: placed, repeated: true };
    }
    for (const { sku, quantity } of lines) {
      const item = items.find((each) => each.sku === sku);
      if (item === undefined) throw new UnknownSkuException(sku);
      if (item.stock < quantity) throw new SoldOutException(sku, item.stock);
    }
    return null;
  }
}

/** The name of the lock of an article. */
export function lockOf(sku: string): string {
  return `stock:${sku}`;
}

function tokenOf(lease: MultiLease, sku: string): number {
  const token = lease.tokenOf(lockOf(sku));
  if (token === undefined) throw new Error('An order can only be placed under the locks of its articles.');
  return token;
}
