import { Module } from '@nestjs/common';
import { OrderRepository } from './order.repository.js';
import { OrdersController } from './orders.controller.js';
import { OrdersService } from './orders.service.js';
import { StockController } from './stock.controller.js';

@Module({ controllers: [OrdersController, StockController], providers: [OrdersService, OrderRepository] })
export class OrdersModule {}
