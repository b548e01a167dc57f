import { setTimeout as sleep } from 'node:timers/promises';
import { redisMajor } from '../../../support/redis-program.js';
import type { RedisServer } from '../../../support/redis-node.js';
import { onServer } from './server-faults.js';

/** Fencing tokens stay on purpose, for a day, and the marker of a quorum node for good. */
const KEPT = ['redisson_lock_token:', 'redis_lock_marker:'];
/** Of a service that was killed, or cut off, while it tried out its rights; it ends with the time that start-up may take. */
const PROBE = 'lock:probe:';
const CHANNELS = 'redisson_lock__channel:*';

/** Locks on these servers, once those that are left to their leases have had `limitMs` to end. */
export function locksLeft(servers: readonly RedisServer[], limitMs: number): Promise<string[]> {
  return untilNone(limitMs, async () => {
    const keys = await Promise.all(servers.map(keysOn));
    return keys.flat();
  });
}

async function keysOn(server: RedisServer): Promise<string[]> {
  const keys = (await onServer(server, 'KEYS', '*')) as string[];
  const left: string[] = [];
  for (const key of keys) {
    if (KEPT.some((prefix) => key.startsWith(prefix))) continue;
    if (key.startsWith(PROBE) && Number(await onServer(server, 'PTTL', key)) > 0) continue;
    left.push(key);
  }
  return left;
}

/** Channels of locks that somebody still listens to after `limitMs`. */
export function subscriptionsLeft(servers: readonly RedisServer[], limitMs: number): Promise<string[]> {
  const asks = ['CHANNELS', ...(redisMajor() >= 7 ? ['SHARDCHANNELS'] : [])];
  return untilNone(limitMs, async () => {
    const channels = await Promise.all(
      servers.flatMap((server) => asks.map((ask) => onServer(server, 'PUBSUB', ask, CHANNELS))),
    );
    return channels.flat() as string[];
  });
}

async function untilNone(limitMs: number, look: () => Promise<string[]>): Promise<string[]> {
  const end = Date.now() + limitMs;
  for (;;) {
    const found = await look();
    if (found.length === 0 || Date.now() > end) return found;
    await sleep(100);
  }
}
