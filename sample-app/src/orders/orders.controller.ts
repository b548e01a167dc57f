import { Body, Controller, Get, HttpStatus, Inject, NotFoundException, Param, Post, Res } from '@nestjs/common';
import type { Response } from 'express';
import type { Order } from '../database/schema.js';
import { IdPipe } from '../validation/id.pipe.js';
import { IdempotencyKey } from './idempotency-key.js';
import { NewOrder } from './new-order.js';
import { OrderRepository } from './order.repository.js';
import { OrdersService } from './orders.service.js';

@Controller('orders')
export class OrdersController {
  constructor(
    @Inject(OrdersService) private readonly orders: OrdersService,
    @Inject(OrderRepository) private readonly repository: OrderRepository,
  ) {}

  @Post()
  async place(
    @Body() wanted: NewOrder,
    @IdempotencyKey() key: string,
    @Res({ passthrough: true }) response: Response,
  ): Promise<Order> {
    const { order, repeated } = await this.orders.place(wanted, key);
    response.status(repeated ? HttpStatus.OK : HttpStatus.CREATED);
    response.location(`/orders/${String(order.id)}`);
    return order;
  }

  @Get(':id')
  async read(@Param('id', IdPipe) id: number): Promise<Order> {
    const order = await this.repository.order(id);
    if (order === undefined) throw new NotFoundException(`There is no order ${String(id)}.`);
    return order;
  }
}
