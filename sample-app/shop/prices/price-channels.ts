import { channel } from 'node:diagnostics_channel';

/** How a refresh of the prices ended on this replica. */
export interface PricesMessage {
  /**
   * - `refreshed`: all prices are new.
   * - `done-before`: another replica has run, or begun, this very fire.
   * - `stale`: a refresh with a newer lock has written meanwhile; what it wrote was left alone.
   * - `failed`: anything else. The prices are not known to be written: mostly they were not, but an answer of the
   *   database can be lost as well.
   */
  readonly outcome: 'refreshed' | 'done-before' | 'stale' | 'failed';
  /** When the cron fired, in ms since 1970, to the second. */
  readonly fire: number;
  /** The fencing token of the lock it ran under. */
  readonly token: number;
  readonly prices: number;
  readonly ms: number;
}

/** What the refresh of prices reports on `node:diagnostics_channel`. Nothing is done when nobody listens. */
export const priceChannel = channel('shop:prices');
