import { randomUUID } from 'node:crypto';
import { Injectable, Logger } from '@nestjs/common';
import type { BeforeApplicationShutdown } from '@nestjs/common';
import { Cron } from '@nestjs/schedule';
import { DrizzleQueryError } from 'drizzle-orm';
import { currentLease, LockBusyError, LockLostError, LockUnavailableError, RunOnce } from 'nestjs-redis-lock';
import type { Lease } from 'nestjs-redis-lock';
import { isDatabaseAway } from '../errors/database-away.js';
import { keepTrying } from './keep-trying.js';
import { readPriceSettings } from './price-settings.js';
import { PriceRepository } from './price.repository.js';
import { Supplier, SupplierUnavailableException } from './supplier.js';
import type { OfferedPrice } from './supplier.js';

export const jobName = 'prices:refresh';
const { cron, windowMs, retryMs } = readPriceSettings();
/** Between two attempts, in ms. */
const pauseMs = 500;

/**
 * Fetches new prices from the supplier every night. The cron fires on every replica; one of them refreshes the prices, and
 * another one takes over if it dies. While the database or the supplier is unavailable, the refresh keeps its lock and
 * tries again, so that a short outage does not cost the prices of a night.
 */
@Injectable()
export class PricesService implements BeforeApplicationShutdown {
  private readonly logger = new Logger(PricesService.name);
  private readonly stopping = new AbortController();
  private running: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly prices: PriceRepository,
    private readonly supplier: Supplier,
  ) {}

  @Cron(cron)
  @RunOnce(jobName, { window: windowMs, takeOver: true })
  async refresh(): Promise<void> {
    const lease = currentLease(jobName);
    if (lease === undefined) throw new Error('Prices can only be refreshed under their lock.');
    const run = randomUUID();
    const refresh = keepTrying(() => this.refreshOnce(run, lease), {
      forMs: retryMs,
      pauseMs,
      signal: AbortSignal.any([lease.signal, this.stopping.signal]),
      isPassing,
    });
    this.running = refresh.catch(() => undefined);
    await refresh;
  }

  /** No request waits for a refresh, and the database is closed after this. */
  async beforeApplicationShutdown(): Promise<void> {
    this.stopping.abort(new Error('The shop is shutting down.'));
    await this.running;
  }

  private async refreshOnce(run: string, lease: Lease): Promise<void> {
    const { token } = lease;
    const refresh = await this.prices.begin(run, token);
    const skus = (await this.prices.prices()).map(({ sku }) => sku);
    // The supplier can take long: stop waiting for it if the lock is lost.
    const offered = await this.offers(skus, lease.signal);
    lease.assertHeld();
    const written = await this.prices.write(refresh, offered, token);
    if (written < offered.length) this.logger.warn({ token, written }, 'a newer refresh has written the prices');
    else this.logger.log({ token, written }, 'prices refreshed');
  }

  /** Asks for all of them at once: the supplier's permits decide how many requests are under way. */
  private async offers(skus: readonly string[], signal: AbortSignal): Promise<OfferedPrice[]> {
    const failed = new AbortController();
    const either = AbortSignal.any([signal, failed.signal]);
    try {
      return await Promise.all(skus.map((sku) => this.supplier.offer(sku, either)));
    } finally {
      // After a failure, the other requests are not needed.
      failed.abort();
    }
  }
}

/** Whether a refresh that failed may succeed later. */
function isPassing(error: unknown): boolean {
  if (error instanceof SupplierUnavailableException) return true;
  // Of the supplier's permits: without its own lock, the refresh does not try again.
  const locks = [LockBusyError, LockLostError, LockUnavailableError];
  if (locks.some((type) => error instanceof type)) return true;
  return isDatabaseAway(error instanceof DrizzleQueryError ? error.cause : error);
}
