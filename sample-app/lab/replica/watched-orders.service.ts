import { Injectable } from '@nestjs/common';
import { LockService } from 'nestjs-redis-lock';
import type { NewOrderLine } from '../../shop/orders/new-order.js';
import { SoldOutException } from '../../shop/orders/order-errors.js';
import { OrderRepository } from '../../shop/orders/order.repository.js';
import type { OrderKey } from '../../shop/orders/order.repository.js';
import { OrdersService } from '../../shop/orders/orders.service.js';
import type { Placement } from '../../shop/orders/orders.service.js';
import { LiveRecorder } from '../live/live-recorder.js';

/** Counts placed and sold-out orders for the live page. */
@Injectable()
export class WatchedOrdersService extends OrdersService {
  constructor(
    locks: LockService,
    orders: OrderRepository,
    private readonly recorder: LiveRecorder,
  ) {
    super(locks, orders);
  }

  override async place(lines: readonly NewOrderLine[], key: OrderKey): Promise<Placement> {
    try {
      const placement = await super.place(lines, key);
      if (!placement.repeated) this.recorder.counts.orderPlaced();
      return placement;
    } catch (error) {
      if (error instanceof SoldOutException) this.recorder.counts.orderSoldOut();
      throw error;
    }
  }
}
