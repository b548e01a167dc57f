import { Injectable, Logger } from '@nestjs/common';
import { LockService } from 'nestjs-redis-lock';
import type { MultiLease } from 'nestjs-redis-lock';
import type { Order } from '../database/schema.js';
import { KeyReusedException, SoldOutException, StaleOrderException, UnknownSkuException } from './order-errors.js';
import { OrderRepository } from './order.repository.js';
import type { OrderKey, Standing } from './order.repository.js';
import type { NewOrderLine } from './new-order.js';

/** How long an order waits for the locks of its articles, in ms. */
const longestWait = 5_000;

export interface Placement {
  readonly order: Order;
  /** Whether it was placed by an earlier request with the same key. */
  readonly repeated: boolean;
}

/**
 * Sells what is in stock. Three safeguards keep an article from being sold twice:
 *
 * - The locks, one for each article of the order. Orders of one article run one after another across all replicas, and
 *   each reads the stock that the previous one left. Several locks are acquired all or none, in an order that cannot
 *   deadlock.
 * - The conditions in the database, in case a lock fails: an order takes stock only if enough is left, and only with a
 *   fencing token that is not smaller than the token of the last writer. A process that was suspended for longer than its
 *   lease, and continues as if it held the lock, changes nothing.
 * - The unique key of an order, in case the response is lost: a repeated request returns the same order.
 */
@Injectable()
export class OrdersService {
  private readonly logger = new Logger(OrdersService.name);

  constructor(
    private readonly locks: LockService,
    private readonly orders: OrderRepository,
  ) {}

  /**
   * Places an order once, however often it is requested with the same key.
   *
   * @throws UnknownSkuException, SoldOutException, KeyReusedException
   * @throws StaleOrderException, LockError if the client can try again
   */
  async place(lines: readonly NewOrderLine[], key: OrderKey): Promise<Placement> {
    // Before the locks: a repeated or a sold-out order does not wait, and an unknown article leaves no keys in Redis.
    const known = await this.settled(lines, key);
    if (known !== null) return known;
    try {
      return await this.placeAlone(lines, key);
    } catch (error) {
      if (!(error instanceof StaleOrderException)) throw error;
      // Retry once under new locks: the order itself is valid.
      return this.placeAlone(lines, key);
    }
  }

  private placeAlone(lines: readonly NewOrderLine[], key: OrderKey): Promise<Placement> {
    const names = lines.map(({ sku }) => lockOf(sku));
    return this.locks.withLock(names, (lease) => this.placeUnder(lease, lines, key), { wait: longestWait });
  }

  private async placeUnder(lease: MultiLease, lines: readonly NewOrderLine[], key: OrderKey): Promise<Placement> {
    // The previous holder of the lock may have sold the last piece.
    const known = await this.settled(lines, key);
    if (known !== null) return known;

    // No check of the lease here: if the lock is lost, the database rejects the token.
    const withTokens = lines
      .map(({ sku, quantity }) => ({ sku, quantity, token: tokenOf(lease, sku) }))
      .sort((a, b) => (a.sku < b.sku ? -1 : 1));
    const order = await this.orders.write(withTokens, key);
    if (order !== undefined) {
      this.logger.debug({ id: order.id, lines: withTokens }, 'order placed');
      return { order, repeated: false };
    }

    // Rejected: an earlier request with this key has been written meanwhile, or the stock is gone, or the token is old.
    const late = await this.settled(lines, key);
    if (late !== null) return late;
    this.logger.warn({ lines: withTokens }, 'order refused: a newer lock has written an article');
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
