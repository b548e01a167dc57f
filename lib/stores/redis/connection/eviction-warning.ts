import type { Reporter } from '../../../telemetry/reporter.js';
import { isClusterClient } from './cluster-client.js';
import type { RedisClient } from './redis-client.js';

/** Warns of each server that may evict locks. Never rejects: a server that does not report its policy is skipped. */
export async function warnOfEviction(client: RedisClient, reporter: Reporter): Promise<void> {
  const servers = isClusterClient(client) ? client.nodes('master') : [client];
  const policies = await Promise.all(servers.map(policyOf));
  const evicting = new Set(policies.filter((policy) => policy !== undefined && policy !== 'noeviction'));
  for (const policy of evicting) reporter.warn('eviction', warningOf(String(policy)));
}

async function policyOf(server: Pick<RedisClient, 'call'>): Promise<string | undefined> {
  try {
    const info = String(await server.call('info', 'memory'));
    return /^maxmemory_policy:([\w-]+)/m.exec(info)?.[1];
  } catch {
    return undefined;
  }
}

function warningOf(policy: string): string {
  return (
    `Redis may evict locks while they are held: its maxmemory-policy is "${policy}". When its memory is full, a second caller ` +
    `can then get a lock that is still held. Store locks on a Redis with "noeviction", separate from caches.`
  );
}
