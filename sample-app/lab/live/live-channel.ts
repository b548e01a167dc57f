import type { ShopConfig } from '../../shop/config/config.js';

/** The channel in Redis on which all replicas report. */
export function liveChannel(config: ShopConfig): string {
  return `${config.redisPrefix}live`;
}
