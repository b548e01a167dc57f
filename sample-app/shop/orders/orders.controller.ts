import { Body, Controller, Get, Header, HttpStatus, NotFoundException, Param, Post, Res } from '@nestjs/common';
import { ApiCreatedResponse, ApiHeader, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import type { Order } from '../database/schema.js';
import { ApiBodyErrors, ApiErrors, ApiLockErrors, ApiUnavailable } from '../openapi/error-answers.js';
import { IdPipe } from '../validation/id.pipe.js';
import { Customer, customerToken } from './customer.js';
import { IdempotencyKey, idempotencyKey } from './idempotency-key.js';
import { NewOrder } from './new-order.js';
import { OrderAnswer } from './order-answers.js';
import { OrderRepository } from './order.repository.js';
import { OrdersService } from './orders.service.js';

const noStore = ['Cache-Control', 'no-store'] as const;

@ApiTags('Orders')
@ApiHeader({
  name: 'Customer-Token',
  required: true,
  description: 'A secret that the client generates. It is needed to read the orders that were placed with it.',
  schema: { type: 'string', pattern: customerToken.source },
})
@Controller('orders')
export class OrdersController {
  constructor(
    private readonly orders: OrdersService,
    private readonly repository: OrderRepository,
  ) {}

  @Post()
  @Header(...noStore)
  @ApiOperation({ summary: 'Places an order of one or more articles, all or nothing, once for each key of a customer' })
  @ApiHeader({
    name: 'Idempotency-Key',
    required: true,
    description:
      'Generated for each order. Send the same key when the order is sent again because no response arrived.',
    schema: { type: 'string', pattern: idempotencyKey.source },
  })
  @ApiCreatedResponse({
    type: OrderAnswer,
    description: 'Placed.',
    headers: { Location: { description: 'Where the order can be read.', schema: { type: 'string' } } },
  })
  @ApiOkResponse({ type: OrderAnswer, description: 'It was placed before, under the same key.' })
  @ApiErrors({
    400: 'The customer, the key or the body is not valid.',
    404: 'There is no such article (code UNKNOWN_SKU).',
    422: 'The key belongs to another order (code KEY_REUSED).',
  })
  @ApiBodyErrors()
  @ApiLockErrors('Less is left than was ordered (code SOLD_OUT).')
  async place(
    @Body() wanted: NewOrder,
    @Customer() customer: string,
    @IdempotencyKey() key: string,
    @Res({ passthrough: true }) response: Response,
  ): Promise<Order> {
    const { order, repeated } = await this.orders.place(wanted.lines, { customer, key });
    response.status(repeated ? HttpStatus.OK : HttpStatus.CREATED);
    response.location(`/orders/${String(order.id)}`);
    return order;
  }

  @Get(':id')
  @Header(...noStore)
  @ApiOperation({ summary: 'Reads an order of this customer' })
  @ApiOkResponse({ type: OrderAnswer })
  @ApiErrors({ 400: 'The customer or the id is not valid.', 404: 'This customer has no such order.' })
  @ApiUnavailable()
  async read(@Param('id', IdPipe) id: number, @Customer() customer: string): Promise<Order> {
    const order = await this.repository.order(id, customer);
    if (order === undefined) throw new NotFoundException(`There is no order ${String(id)}.`);
    return order;
  }
}
