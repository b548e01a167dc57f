import { isClusterClient } from './cluster-client.js';
import { connectionOptions, optionOf } from './client-options.js';
import type { RedisClient } from './redis-client.js';

/**
 * Warnings about options of a caller's client, which this library cannot change.
 *
 * @param requestTimeout the module's `commandTimeout`, in ms
 */
export function clientWarnings(client: RedisClient, requestTimeout: number): string[] {
  const options = connectionOptions(client);
  const where = isClusterClient(client) ? 'redisOptions.' : '';
  const warnings: string[] = [];
  const commandTimeout = optionOf(options, 'commandTimeout');
  if (typeof commandTimeout === 'number' && commandTimeout < requestTimeout) {
    warnings.push(
      `Your Redis client has "${where}commandTimeout" ${String(commandTimeout)} (ms), so ioredis discards the reply to each ` +
        `lock request that takes longer: callers get LOCK_UNAVAILABLE although Redis took the lock for them, and leases are ` +
        `lost although they were renewed. Set it to at least ${String(requestTimeout)}, the "commandTimeout" of the locks.`,
    );
  }
  const socketTimeout = optionOf(options, 'socketTimeout');
  if (typeof socketTimeout !== 'number' || socketTimeout <= 0) warnings.push(withoutSocketTimeout(where));
  return warnings;
}

function withoutSocketTimeout(where: string): string {
  const option = `${where}socketTimeout`;
  return (
    `Your Redis client has no "${option}". If its peer vanishes without closing the connection (firewall, NAT, lost host), ` +
    `ioredis keeps the dead connection, and every lock call fails with LOCK_UNAVAILABLE until TCP gives up, which can take ` +
    `many minutes. Set ${option} (ms) above the longest command of this client, e.g. 5_000; idle connections stay open. ` +
    `With { url }, { redis } or { cluster } the library replaces such a connection itself.`
  );
}
