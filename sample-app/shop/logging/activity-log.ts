import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { Inject, Injectable } from '@nestjs/common';
import type { OnApplicationShutdown, OnModuleInit } from '@nestjs/common';
import type { LostMessage, RefusedMessage, ReleasedMessage, SkippedMessage } from 'nestjs-redis-lock';
import { PinoLogger } from 'nestjs-pino';
import type { PricesMessage } from '../prices/price-channels.js';
import type { OrderMessage } from '../orders/order-channels.js';

const orderLevels = {
  placed: 'debug',
  repeated: 'debug',
  'sold-out': 'debug',
  busy: 'info',
  stale: 'warn',
  failed: 'warn',
} as const;

const priceLevels = { refreshed: 'info', 'done-before': 'debug', stale: 'warn', failed: 'warn' } as const;

/** Writes to the log what locks and orders report on `node:diagnostics_channel`: what went wrong as a warning. */
@Injectable()
export class ActivityLog implements OnModuleInit, OnApplicationShutdown {
  private readonly listeners: Record<string, (message: unknown) => void> = {
    'nestjs-redis-lock:lost': (message) => {
      const { name, token, reason } = message as LostMessage;
      this.logger.warn({ lock: name, token, reason }, 'lock lost');
    },
    'nestjs-redis-lock:refused': (message) => {
      const { name, waitedMs, error } = message as RefusedMessage;
      const busy = error.code === 'LOCK_BUSY';
      this.logger[busy ? 'debug' : 'warn']({ lock: name, waitedMs: Math.round(waitedMs), code: error.code }, 'no lock');
    },
    'nestjs-redis-lock:released': (message) => {
      const { name, token, outcome, heldMs } = message as ReleasedMessage;
      if (outcome === 'released') return;
      this.logger.warn({ lock: name, token, outcome, heldMs: Math.round(heldMs) }, 'lock was not given back');
    },
    'shop:orders': (message) => {
      const { outcome, ms, ...order } = message as OrderMessage;
      this.logger[orderLevels[outcome]]({ ...order, outcome, ms: Math.round(ms) }, 'order');
    },
    'shop:prices': (message) => {
      const { outcome, fire, token, prices, ms } = message as PricesMessage;
      const details = { outcome, fire: new Date(fire).toISOString(), token, prices, ms: Math.round(ms) };
      this.logger[priceLevels[outcome]](details, 'prices');
    },
    'nestjs-redis-lock:skipped': (message) => {
      this.logger.debug({ lock: (message as SkippedMessage).name }, 'left to another replica');
    },
  };

  constructor(@Inject(PinoLogger) private readonly logger: PinoLogger) {
    logger.setContext(ActivityLog.name);
  }

  onModuleInit(): void {
    for (const [channel, listener] of Object.entries(this.listeners)) subscribe(channel, listener);
  }

  onApplicationShutdown(): void {
    for (const [channel, listener] of Object.entries(this.listeners)) unsubscribe(channel, listener);
  }
}
