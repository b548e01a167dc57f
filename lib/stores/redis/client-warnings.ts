import { isClusterClient } from './cluster/cluster-client.js';
import type { RedisClient } from './redis-client.js';

/** What a caller's client lacks that this library cannot add: it never disconnects a client that it did not open. */
export function clientWarnings(client: RedisClient): string[] {
  const cluster = isClusterClient(client);
  const options: unknown = cluster ? optionOf(client.options, 'redisOptions') : client.options;
  const socketTimeout = optionOf(options, 'socketTimeout');
  if (typeof socketTimeout === 'number' && socketTimeout > 0) return [];
  const option = cluster ? 'redisOptions.socketTimeout' : 'socketTimeout';
  return [
    `Your Redis client has no "${option}". If its peer vanishes without closing the connection (firewall, NAT, lost host), ` +
      `ioredis keeps the dead connection, and every lock call fails with LOCK_UNAVAILABLE until TCP gives up, which can take ` +
      `many minutes. Set ${option} (ms) above the longest command of this client, e.g. 5_000; idle connections stay open. ` +
      `With { url }, { redis } or { cluster } the library replaces such a connection itself.`,
  ];
}

function optionOf(options: unknown, key: string): unknown {
  return typeof options === 'object' && options !== null ? (Reflect.get(options, key) as unknown) : undefined;
}
