import { Inject, Injectable } from '@nestjs/common';
import { currentLease, WithPermit } from 'nestjs-redis-lock';
import { SHOP_CONFIG } from '../config/config.js';
import type { ShopConfig } from '../config/config.js';
import { TryAgainException } from '../errors/try-again.exception.js';

export interface OfferedPrice {
  readonly sku: string;
  readonly cents: number;
}

/** How long the supplier may take to answer, in ms. */
const answerMs = 10_000;

export class SupplierUnavailableException extends TryAgainException {
  constructor(cause: Error) {
    super('SUPPLIER_UNAVAILABLE', 'The supplier does not tell its price now. Try again later.', cause);
  }
}

/** The supplier's HTTP API, which allows three requests at a time, however many replicas the shop has. */
@Injectable()
export class Supplier {
  constructor(@Inject(SHOP_CONFIG) private readonly config: ShopConfig) {}

  /**
   * Asks for the current price of an article.
   *
   * @param signal ends the request; its reason is thrown
   * @throws LockBusyError if other requests are under way until the end of `LOCK_WAIT_MS`; SupplierUnavailableException
   */
  @WithPermit('supplier', { permits: 3 })
  async offer(sku: string, signal?: AbortSignal): Promise<OfferedPrice> {
    // If the permit is lost, another request may take its place.
    const ends = AbortSignal.any([signal, currentLease()?.signal].filter((one) => one !== undefined));
    try {
      return await this.ask(sku, AbortSignal.any([ends, AbortSignal.timeout(answerMs)]));
    } catch (error) {
      ends.throwIfAborted();
      throw new SupplierUnavailableException(error instanceof Error ? error : new Error(String(error)));
    }
  }

  private async ask(sku: string, signal: AbortSignal): Promise<OfferedPrice> {
    const response = await fetch(`${this.config.supplierUrl}/offers/${sku}`, { signal });
    if (!response.ok) throw new Error(`The supplier answered with status ${String(response.status)}.`);
    const offer = (await response.json()) as { cents?: unknown } | null;
    const cents = Number(offer?.cents);
    if (!Number.isSafeInteger(cents) || cents < 1) throw new Error('The supplier answered without a price.');
    return { sku, cents };
  }
}
