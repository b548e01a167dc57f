import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { redisMajor } from '../../../support/redis-program.js';
import type { RedisServer } from '../../../support/redis-node.js';
import { onServer } from './server-faults.js';

/** Semaphores, whose counters stay, and how many permits each has. */
export interface Counters {
  readonly names: readonly string[];
  readonly permits: number;
}

/** Fencing tokens stay on purpose, for a day, the marker of a quorum node for good, and records of processes while they run. */
const KEPT = ['redisson_lock_token:', 'redis_lock_marker:', 'lock_holder:'];
/** Of a service that was killed, or cut off, while it tried out its rights; it ends with the time that start-up may take. */
const PROBE = 'lock:probe:';
const CHANNELS = ['redisson_lock__channel:*', 'redisson_sc:*', 'redisson_rwlock:*'];
/** Of a semaphore, for each of its names: how many permits are left, which are taken, and what else is known. */
const COUNTER = 'lock:';
const HOLDS = ':timeout';
const SIDE = 'lock_permits:';
/** Of a fair lock: its waiters, how long they keep their places, and those of this library among them. */
const QUEUE = 'redisson_lock_queue:';
const DEADLINES = 'redisson_lock_timeout:';
const PLACES = 'lock_places:';

/**
 * Locks on these servers, once those that are left to their leases have had `limitMs` to end.
 *
 * @param counters the names of semaphores that have to have all of their permits
 */
export function locksLeft(servers: readonly RedisServer[], counters: Counters, limitMs: number): Promise<string[]> {
  return untilNone(limitMs, async () => {
    const left = await Promise.all(servers.map((server) => leftOn(server, counters)));
    return left.flat();
  });
}

async function leftOn(server: RedisServer, counters: Counters): Promise<string[]> {
  const client = server.client({ commandTimeout: 10_000, maxRetriesPerRequest: 2 });
  try {
    const left: string[] = [];
    for (const key of await client.keys('*')) {
      if (KEPT.some((prefix) => key.startsWith(prefix))) continue;
      if (key.startsWith(PROBE) && (await client.pttl(key)) > 0) continue;
      if (key.startsWith(SIDE)) left.push(...(await placesLeft(client, key)));
      else if (key.endsWith(HOLDS)) left.push(...(await holdsLeft(client, key)));
      // A waiter that was killed stays in the queue until the next caller comes.
      else if (key.startsWith(QUEUE)) continue;
      else if (key.startsWith(DEADLINES)) left.push(...(await holdsLeft(client, key, 'waiters')));
      else if (key.startsWith(PLACES)) left.push(...(await waitersLeft(client, key)));
      else if (key.startsWith(COUNTER) && (await client.type(key)) === 'string')
        left.push(...(await permitsMissing(client, key, counters)));
      else left.push(key);
    }
    return left;
  } finally {
    client.disconnect();
  }
}

/**
 * Permits whose lease has ended are taken back by the next caller. A loss of some keys is noticed by the next one, too, and a
 * job's name may have none.
 */
async function permitsMissing(client: Redis, key: string, { names, permits }: Counters): Promise<string[]> {
  if (!names.includes(key.slice(COUNTER.length))) return [];
  const [available, taken] = await Promise.all([client.get(key), client.zcard(`{${key}}${HOLDS}`)]);
  const all = Number(available) + taken;
  return all === permits ? [] : [`${key}: ${available} and ${taken} of ${permits} permits`];
}

async function holdsLeft(client: Redis, key: string, what = 'holds'): Promise<string[]> {
  const count = await client.zcount(key, await clockOf(client), '+inf');
  return count === 0 ? [] : [`${key}: ${count} ${what}`];
}

async function waitersLeft(client: Redis, key: string): Promise<string[]> {
  const [places, now] = [await client.hvals(key), await clockOf(client)];
  return places.some((place) => Number(place.split(':')[1]) >= now) ? [`${key}: places ${places.join()}`] : [];
}

/** The places of waiters that have not ended; those that have are dropped by the next caller. */
async function placesLeft(client: Redis, key: string): Promise<string[]> {
  const places = (await client.hget(key, 'w')) ?? '';
  const now = await clockOf(client);
  const ends = [...places.matchAll(/:(\d+);/g)].map(([, end]) => Number(end));
  return ends.some((end) => end >= now) ? [`${key}: places ${places}`] : [];
}

async function clockOf(client: Redis): Promise<number> {
  const [seconds, micros] = (await client.time()) as unknown as [string, string];
  return Number(seconds) * 1_000 + Number(micros) / 1_000;
}

/** Channels of locks that somebody still listens to after `limitMs`. */
export function subscriptionsLeft(servers: readonly RedisServer[], limitMs: number): Promise<string[]> {
  const asks = ['CHANNELS', ...(redisMajor() >= 7 ? ['SHARDCHANNELS'] : [])];
  return untilNone(limitMs, async () => {
    const channels = await Promise.all(
      servers.flatMap((server) =>
        asks.flatMap((ask) => CHANNELS.map((pattern) => onServer(server, 'PUBSUB', ask, pattern))),
      ),
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
