import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import type { OnApplicationBootstrap, OnModuleDestroy } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { SHOP_CONFIG } from '../config/config.js';
import type { ShopConfig } from '../config/config.js';

/**
 * Whether this process is stopping. It then reports that it is not ready and continues to serve requests for a while,
 * so that a proxy sends new requests elsewhere before connections are refused. Ctrl-C (SIGINT) skips the wait, since a
 * process in a terminal has no proxy.
 */
@Injectable()
export class Leaving implements OnApplicationBootstrap, OnModuleDestroy {
  begun = false;
  private readonly atOnce = new AbortController();

  constructor(
    @Inject(SHOP_CONFIG) private readonly config: ShopConfig,
    private readonly adapterHost: HttpAdapterHost,
  ) {}

  onApplicationBootstrap(): void {
    process.once('SIGINT', this.skipWait);
  }

  /** Nest calls this before anything is closed, and before locks are refused. */
  async onModuleDestroy(): Promise<void> {
    this.begun = true;
    const server = this.adapterHost.httpAdapter.getHttpServer() as Server;
    // A connection that stays open would be closed at the end, perhaps while the next request is on its way.
    server.prependListener('request', (_request: IncomingMessage, response: ServerResponse) => {
      response.setHeader('Connection', 'close');
    });
    await sleep(this.config.shutdownDelayMs, undefined, { signal: this.atOnce.signal }).catch(() => undefined);
    process.off('SIGINT', this.skipWait);
  }

  private readonly skipWait = (): void => this.atOnce.abort();
}
