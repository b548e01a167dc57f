import { Inject, Injectable } from '@nestjs/common';
import type { OnApplicationBootstrap, OnApplicationShutdown } from '@nestjs/common';
import { LockService } from 'nestjs-redis-lock';
import type { Semaphore } from 'nestjs-redis-lock';
import { SHOP_CONFIG } from '../../shop/config/config.js';
import type { ShopConfig } from '../../shop/config/config.js';
import type { SupplierStatistics } from '../supplier/statistics.js';
import type { SupplierReport } from './replica-report.js';

const everyMs = 500;
const answerMs = 2_000;

/** Looks again and again how many permits of the supplier are taken, and what the supplier itself has counted. */
@Injectable()
export class SupplierWatch implements OnApplicationBootstrap, OnApplicationShutdown {
  latest: SupplierReport = { permits: null, counted: null };
  private readonly semaphore: Semaphore;
  private timer: NodeJS.Timeout | undefined;
  private closed = false;

  constructor(
    @Inject(SHOP_CONFIG) private readonly config: ShopConfig,
    locks: LockService,
  ) {
    // As in `shop/prices/supplier.ts`.
    this.semaphore = locks.semaphore('supplier', { permits: 3 });
  }

  onApplicationBootstrap(): void {
    void this.look();
  }

  onApplicationShutdown(): void {
    this.closed = true;
    clearTimeout(this.timer);
  }

  private async look(): Promise<void> {
    const [state, counted] = await Promise.all([
      this.semaphore.inspect().catch(() => null),
      this.statistics().catch(() => null),
    ]);
    this.latest = { permits: state === null ? null : { all: state.permits, held: state.held }, counted };
    if (!this.closed) this.timer = setTimeout(() => void this.look(), everyMs);
  }

  private async statistics(): Promise<SupplierStatistics> {
    const signal = AbortSignal.timeout(answerMs);
    const response = await fetch(`${this.config.supplierUrl}/statistics`, { signal });
    return (await response.json()) as SupplierStatistics;
  }
}
