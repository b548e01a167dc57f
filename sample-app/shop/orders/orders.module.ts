import { Module } from '@nestjs/common';
import { OrderOutbox } from './order-outbox.js';
import { OrderRelay } from './order-relay.js';
import { OrderRepository } from './order.repository.js';
import { OrdersController } from './orders.controller.js';
import { OrdersService } from './orders.service.js';
import { StockController } from './stock.controller.js';

@Module({
  controllers: [OrdersController, StockController],
  providers: [OrdersService, OrderRepository, OrderOutbox, OrderRelay],
})
export class OrdersModule {}
