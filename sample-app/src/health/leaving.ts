import { setTimeout as sleep } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import type { OnModuleDestroy } from '@nestjs/common';
import { SHOP_CONFIG } from '../config.js';
import type { ShopConfig } from '../config.js';

/**
 * Whether this process was told to stop. It then says that it is not ready, and goes on answering for a while, so that
 * whoever sends it requests can look elsewhere before connections are refused.
 */
@Injectable()
export class Leaving implements OnModuleDestroy {
  begun = false;

  constructor(@Inject(SHOP_CONFIG) private readonly config: ShopConfig) {}

  /** Nest calls this before anything is closed, and before locks are refused. */
  async onModuleDestroy(): Promise<void> {
    this.begun = true;
    await sleep(this.config.shutdownDelayMs);
  }
}
