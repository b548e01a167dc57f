import type { ShopConfig } from '../config.js';

/** The channel in Redis on which all replicas report. */
export function liveChannel(config: ShopConfig): string {
  return `${config.redisPrefix}live`;
}
