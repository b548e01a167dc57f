import { Body, Controller, Get, HttpStatus, Inject, NotFoundException, Param, Post, Res } from '@nestjs/common';
import { ApiCreatedResponse, ApiHeader, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import type { Order } from '../database/schema.js';
import { ApiBodyErrors, ApiErrors, ApiLockErrors, ApiUnavailable } from '../openapi/error-answers.js';
import { IdPipe } from '../validation/id.pipe.js';
import { IdempotencyKey, idempotencyKey } from './idempotency-key.js';
import { NewOrder } from './new-order.js';
import { OrderAnswer } from './order-answers.js';
import { OrderRepository } from './order.repository.js';
import { OrdersService } from './orders.service.js';

@ApiTags('Orders')
@Controller('orders')
export class OrdersController {
  constructor(
    @Inject(OrdersService) private readonly orders: OrdersService,
    @Inject(OrderRepository) private readonly repository: OrderRepository,
  ) {}

  @Post()
  @ApiOperation({ summary: 'Places an order, once for each key' })
  @ApiHeader({
    name: 'Idempotency-Key',
    required: true,
    description: 'Made up for each order. Send the same one when the order is sent again since no answer came.',
    schema: { type: 'string', pattern: idempotencyKey.source },
  })
  @ApiCreatedResponse({
    type: OrderAnswer,
    description: 'Placed.',
    headers: { Location: { description: 'Where the order can be read.', schema: { type: 'string' } } },
  })
  @ApiOkResponse({ type: OrderAnswer, description: 'It was placed before, under the same key.' })
  @ApiErrors({
    400: 'The key or the body makes no sense.',
    404: 'There is no such article (code UNKNOWN_SKU).',
    422: 'The key belongs to another order (code KEY_REUSED).',
  })
  @ApiBodyErrors()
  @ApiLockErrors('Less is left than was ordered (code SOLD_OUT).')
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
  @ApiOperation({ summary: 'Reads an order' })
  @ApiOkResponse({ type: OrderAnswer })
  @ApiErrors({ 400: 'The id is not a number.', 404: 'There is no such order.' })
  @ApiUnavailable()
  async read(@Param('id', IdPipe) id: number): Promise<Order> {
    const order = await this.repository.order(id);
    if (order === undefined) throw new NotFoundException(`There is no order ${String(id)}.`);
    return order;
  }
}
