import type { Keyspace } from './keyspace.js';
import { millisOf, PLACE_MS } from './places.js';
import { each, sideKeyOf, type ScriptModel } from './script-model.js';
import { takeOrFindTaken } from './take.js';

interface Keys {
  readonly queue: string;
  readonly deadlines: string;
  readonly places: string;
}

interface Next {
  readonly waiter: string | undefined;
  /** For how long it keeps its place, in ms. */
  readonly left: number;
  /** Whether others before it were dropped. */
  readonly dropped: boolean;
}

function placeOf(places: string, waiter: string, redis: Keyspace): { since: number; until: number } | undefined {
  const [, since, until] = /^(\d+):(\d+)$/.exec(redis.hget(places, waiter) ?? '') ?? [];
  return since === undefined ? undefined : { since: Number(since), until: Number(until) };
}

function leftOf({ deadlines, places }: Keys, waiter: string, redis: Keyspace): number {
  const place = placeOf(places, waiter, redis);
  if (place === undefined) return Math.ceil((redis.zscore(deadlines, waiter) ?? 0) - millisOf(redis));
  const left = place.until - millisOf(redis);
  return left <= PLACE_MS ? left : 0;
}

function forget({ queue, deadlines, places }: Keys, waiter: string, redis: Keyspace): void {
  redis.lrem(queue, waiter);
  redis.zrem(deadlines, waiter);
  redis.hdel(places, waiter);
}

function nextOf(keys: Keys, redis: Keyspace): Next {
  for (let dropped = false; ; dropped = true) {
    const [waiter] = redis.lrange(keys.queue);
    if (waiter === undefined) return { waiter, left: 0, dropped };
    const left = leftOf(keys, waiter, redis);
    if (left > 0) return { waiter, left, dropped };
    forget(keys, waiter, redis);
  }
}

/** The waiters of Redisson behind a waiter, or before it. */
function foreign({ queue, places }: Keys, waiter: string, behind: boolean, redis: Keyspace): string[] {
  const all = redis.lrange(queue);
  if (all.length <= redis.hgetall(places).length) return [];
  const index = all.indexOf(waiter);
  const before = index < 0 ? all : all.slice(0, index);
  const part = behind ? all.slice(before.length) : before;
  return part.filter((each) => each !== waiter && !redis.hexists(places, each));
}

function leave(keys: Keys, waiter: string, redis: Keyspace): void {
  for (const other of foreign(keys, waiter, true, redis)) {
    const score = redis.zscore(keys.deadlines, other);
    if (score !== undefined) redis.zadd(keys.deadlines, other, score - PLACE_MS);
  }
  forget(keys, waiter, redis);
}

function insert({ queue, places }: Keys, owner: string, since: number, redis: Keyspace): void {
  const later = redis.lrange(queue).find((waiter) => (placeOf(places, waiter, redis)?.since ?? Infinity) > since);
  if (later === undefined) redis.rpush(queue, owner);
  else redis.linsert(queue, later, owner);
}

function keepPlace(keys: Keys, owner: string, since: number | undefined, ttl: number, redis: Keyspace): void {
  const { queue, deadlines, places } = keys;
  const now = millisOf(redis);
  if (redis.lrange(queue).length === 0) redis.del(deadlines);
  if (redis.zscore(deadlines, owner) === undefined) {
    if (since === undefined) redis.rpush(queue, owner);
    else insert(keys, owner, since, redis);
  }
  redis.hset(places, owner, `${since ?? redis.time()}:${now + PLACE_MS}`);
  redis.pexpire(places, PLACE_MS);
  const before = foreign(keys, owner, false, redis).map((other) => redis.zscore(deadlines, other) ?? 0);
  redis.zadd(deadlines, owner, Math.max(now, ...before) + PLACE_MS);
  redis.pexpire(queue, ttl);
  redis.pexpire(deadlines, ttl);
}

const acquireFair: ScriptModel = (keys, args, redis, publish) => {
  const [ttl, lease] = args.map(Number) as [number, number];
  return each(keys.length / 5, (i) => {
    const [lock, counter, queue, deadlines, places] = keys.slice(5 * i, 5 * i + 5) as [
      string,
      string,
      string,
      string,
      string,
    ];
    const [owner, waits] = [String(args[2 * i + 3]), String(args[2 * i + 4]) === '1'] as const;
    const fair = { queue, deadlines, places };
    const taking = { lock, counter, owner, lease, tokens: 1, ttl };
    const taken = redis.pttl(lock);
    if (taken !== -2) {
      if (redis.hexists(lock, 'mode')) throw new Error('WRONGTYPE The key is a read-write lock');
      if (redis.hexists(lock, owner)) return takeOrFindTaken(taking, redis.time(), redis);
    }
    const place = placeOf(places, owner, redis);
    if (place !== undefined) keepPlace(fair, owner, place.since, ttl, redis);
    const { waiter, left, dropped } = nextOf(fair, redis);
    if (taken === -2 && (waiter ?? owner) === owner) {
      const reply = takeOrFindTaken(taking, redis.time(), redis);
      if (place !== undefined || waiter !== undefined) leave(fair, owner, redis);
      return reply;
    }
    if (waits && place === undefined) keepPlace(fair, owner, undefined, ttl, redis);
    if (taken === -2 && dropped) publish(`${sideKeyOf(lock, String(args[2]))}:${waiter!}`, '0');
    return [0, `${taken === -2 ? left : taken}:${waits || place !== undefined ? 1 : 0}`];
  });
};

/** The next waiter after the owner has left, and whether another one was next before. */
function nextWithout(keys: Keys, owner: string, redis: Keyspace): { waiter?: string; changed: boolean } {
  try {
    const [before] = redis.lrange(keys.queue);
    if (placeOf(keys.places, owner, redis) !== undefined) leave(keys, owner, redis);
    const { waiter } = nextOf(keys, redis);
    return waiter === undefined ? { changed: false } : { waiter, changed: waiter !== before };
  } catch {
    return { changed: false };
  }
}

const releaseFair: ScriptModel = (keys, args, redis, publish) => {
  const [keep, channels, ...prefixes] = args.slice(0, 5).map(String) as [string, string, string, string, string];
  return each(keys.length, (i) => {
    const [lock, owner] = [keys[i]!, String(args[i + 5])];
    const [queue, deadlines, places] = prefixes.map((prefix) => sideKeyOf(lock, prefix)) as [string, string, string];
    const held = keep === '0' ? redis.hdel(lock, owner) : redis.hexists(lock, owner);
    if (held && keep !== '0') {
      redis.hset(lock, owner, '0');
      redis.pexpire(lock, Number(keep));
    }
    const { waiter, changed } = nextWithout({ queue, deadlines, places }, owner, redis);
    const channel = sideKeyOf(lock, channels);
    const isToTell = held || redis.pttl(lock) === -2 || (changed && redis.hgetall(lock)[0]?.[1] === '0');
    const told = isToTell ? publish(waiter === undefined ? channel : `${channel}:${waiter}`, '0') : 0;
    return held ? [1, told] : [0, 0];
  });
};

/** The scripts of fair locks. */
export const FAIR_MODELS: Readonly<Record<string, ScriptModel>> = {
  ACQUIRE_FAIR: acquireFair,
  RELEASE_FAIR: releaseFair,
};
