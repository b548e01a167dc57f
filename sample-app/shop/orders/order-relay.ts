import { setTimeout as sleep } from 'node:timers/promises';
import { Inject, Injectable, Logger } from '@nestjs/common';
import type { Redis } from 'ioredis';
import { WhileLeader } from 'nestjs-redis-lock';
import type { Lease } from 'nestjs-redis-lock';
import { REDIS } from '../cache/redis.js';
import { SHOP_CONFIG } from '../config/config.js';
import type { ShopConfig } from '../config/config.js';
import { OrderOutbox } from './order-outbox.js';

export const relayName = 'orders:relay';
/** Between two looks at the outbox, in ms. */
const pauseMs = 500;
const most = 100;

/** The Redis channel of the order events. */
export function orderChannel(config: ShopConfig): string {
  return `${config.redisPrefix}order-events`;
}

/**
 * Sends an event for each order, from one replica, so that the events are in the order of the orders. If the leader dies
 * between sending and recording that, the next one sends the same events again: receivers recognize them by their `id`.
 */
@Injectable()
export class OrderRelay {
  private readonly logger = new Logger(OrderRelay.name);
  private readonly channel: string;

  constructor(
    private readonly outbox: OrderOutbox,
    @Inject(REDIS) private readonly redis: Redis,
    @Inject(SHOP_CONFIG) config: ShopConfig,
  ) {
    this.channel = orderChannel(config);
  }

  @WhileLeader(relayName)
  async run(term: Lease): Promise<void> {
    this.logger.log({ token: term.token }, 'sends the order events now');
    while (!term.signal.aborted) {
      const sent = await this.sendSome(term);
      if (sent < most) await sleep(pauseMs, undefined, { signal: term.signal });
    }
  }

  private async sendSome(term: Lease): Promise<number> {
    const events = await this.outbox.waiting(most);
    for (const event of events) {
      term.assertHeld();
      await this.redis.publish(this.channel, JSON.stringify(event));
    }
    if (events.length > 0) await this.outbox.sent(events.map(({ id }) => id));
    return events.length;
  }
}
