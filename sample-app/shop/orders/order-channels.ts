import { channel } from 'node:diagnostics_channel';

/** How an order ended. */
export interface OrderMessage {
  readonly skus: readonly string[];
  /** Of all of them together. */
  readonly quantity: number;
  /**
   * - `placed`, or `repeated`: it was placed before, and its client asked again.
   * - `sold-out`: less is left than was ordered.
   * - `stale`: its write was refused since the lock had a newer holder. The order is tried once more, so two messages
   *   may come of one request.
   * - `busy`: the lock stayed taken for as long as the order waited.
   * - `failed`: anything else, a database that is away for instance.
   */
  readonly outcome: 'placed' | 'repeated' | 'sold-out' | 'stale' | 'busy' | 'failed';
  /** The largest fencing token of the order, or of the locks under which it failed; `null` if it needed none. */
  readonly token: number | null;
  /** How long the request took so far. */
  readonly ms: number;
}

/** What the orders report on `node:diagnostics_channel`, for metrics and logs. Nothing is done when nobody listens. */
export const orderChannel = channel('shop:orders');
