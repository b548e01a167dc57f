import { Injectable, Logger } from '@nestjs/common';
import type { BeforeApplicationShutdown } from '@nestjs/common';
import { Cron, SchedulerRegistry } from '@nestjs/schedule';
import { DrizzleQueryError } from 'drizzle-orm';
import { currentLease, LockUnavailableError, WithLock } from 'nestjs-redis-lock';
import type { Lease } from 'nestjs-redis-lock';
import { isDatabaseAway } from '../errors/database-away.js';
import { keepTrying } from './keep-trying.js';
import type { Attempts } from './keep-trying.js';
import { lastFire } from './last-fire.js';
import { readPriceSettings } from './price-settings.js';
import { PriceRepository } from './price.repository.js';
import { Supplier } from './supplier.js';

const jobName = 'prices';
const { cron, holdMs, retryMs } = readPriceSettings();
/** Between two attempts, in ms. */
const pauseMs = 500;

/**
 * Fetches new prices from the supplier every night. The cron fires on every replica; the replica that gets the lock
 * refreshes the prices, and the others skip. While the database is unavailable, the refresh keeps its lock and tries
 * again, so that a short outage does not cost the prices of a night. If the replica dies, the prices stay as they are
 * until the next fire.
 */
@Injectable()
export class PricesService implements BeforeApplicationShutdown {
  private readonly logger = new Logger(PricesService.name);
  private readonly stopping = new AbortController();
  private running: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly prices: PriceRepository,
    private readonly supplier: Supplier,
    private readonly schedule: SchedulerRegistry,
  ) {}

  @Cron(cron, { name: jobName })
  async refreshTonight(): Promise<void> {
    const fire = lastFire(this.schedule.getCronJob(jobName).cronTime, new Date());
    await this.keepTrying(
      () => this.refresh(fire),
      (error) => error instanceof LockUnavailableError,
      this.stopping.signal,
    );
  }

  @WithLock('prices:refresh', { wait: 0, onBusy: 'skip', holdAtLeast: holdMs })
  async refresh(fire: Date): Promise<void> {
    const lease = currentLease();
    if (lease === undefined) throw new Error('Prices can only be refreshed under their lock.');
    const refresh = this.keepTrying(
      () => this.refreshOnce(fire, lease),
      (error) => isDatabaseAway(error instanceof DrizzleQueryError ? error.cause : error),
      AbortSignal.any([lease.signal, this.stopping.signal]),
    );
    this.running = refresh.catch(() => undefined);
    await refresh;
  }

  /** No request waits for a refresh, and the database is closed after this. */
  async beforeApplicationShutdown(): Promise<void> {
    this.stopping.abort(new Error('The shop is shutting down.'));
    await this.running;
  }

  private keepTrying<T>(attempt: () => Promise<T>, isPassing: Attempts['isPassing'], signal: AbortSignal): Promise<T> {
    return keepTrying(attempt, { forMs: retryMs, pauseMs, signal, isPassing });
  }

  private async refreshOnce(fire: Date, lease: Lease): Promise<void> {
    const { token } = lease;
    // A replica that was suspended at the fire, and resumes when the lock is free again, finds the record here.
    const refresh = await this.prices.begin(fire, token);
    if (refresh === undefined) {
      this.logger.debug({ fire, token }, 'another replica has refreshed the prices');
      return;
    }
    const skus = (await this.prices.prices()).map(({ sku }) => sku);
    // The supplier can take long: stop waiting for it if the lock is lost.
    const offered = await this.supplier.prices(skus, lease.signal);
    lease.assertHeld();
    const written = await this.prices.write(refresh, offered, token);
    if (written < offered.length) this.logger.warn({ fire, token, written }, 'a newer refresh has written the prices');
    else this.logger.log({ fire, token, written }, 'prices refreshed');
  }
}
