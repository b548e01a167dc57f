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

interface Place {
  readonly since: number;
  readonly until: number;
}

function placeOf(places: string, waiter: string, redis: Keyspace): Place | undefined {
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

const isForeign = ({ places }: Keys, waiter: string, redis: Keyspace): boolean => !redis.hexists(places, waiter);

/** The latest deadline of Redisson's waiters before a waiter (0: there are none), and those of them directly behind it. */
function neighbours(keys: Keys, waiter: string, redis: Keyspace): { before: number; behind: string[] } {
  const all = redis.lrange(keys.queue);
  if (all.length <= redis.hgetall(keys.places).length) return { before: 0, behind: [] };
  const index = all.indexOf(waiter);
  const before = (index < 0 ? all : all.slice(0, index)).filter((each) => isForeign(keys, each, redis));
  const behind = index < 0 ? [] : all.slice(index + 1);
  const ours = behind.findIndex((each) => !isForeign(keys, each, redis));
  return {
    before: Math.max(0, ...before.map((each) => redis.zscore(keys.deadlines, each) ?? 0)),
    behind: ours < 0 ? behind : behind.slice(0, ours),
  };
}

function insert({ queue, places }: Keys, owner: string, since: number, redis: Keyspace): void {
  const later = redis.lrange(queue).find((waiter) => (placeOf(places, waiter, redis)?.since ?? Infinity) > since);
  if (later === undefined) redis.rpush(queue, owner);
  else redis.linsert(queue, later, owner);
}

function keepPlace(keys: Keys, owner: string, known: Place | undefined, ttl: number, redis: Keyspace): void {
  const { queue, deadlines, places } = keys;
  const now = millisOf(redis);
  if (redis.lrange(queue).length === 0) redis.del(deadlines);
  const score = redis.zscore(deadlines, owner);
  if (score === undefined) {
    if (known === undefined) redis.rpush(queue, owner);
    else insert(keys, owner, known.since, redis);
  }
  const until = now + PLACE_MS;
  redis.hset(places, owner, `${known?.since ?? redis.time()}:${until}`);
  redis.pexpire(places, PLACE_MS);
  const { before, behind } = neighbours(keys, owner, redis);
  let deadline = until;
  if (before > 0 && score !== undefined && known !== undefined) deadline = Math.max(until, until + score - known.until);
  else if (before > now) deadline = before + PLACE_MS;
  redis.zadd(deadlines, owner, deadline);
  for (const waiter of score === undefined ? [] : behind) {
    const old = redis.zscore(deadlines, waiter);
    if (old !== undefined) redis.zadd(deadlines, waiter, old + deadline - score!);
  }
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
    if (place !== undefined) keepPlace(fair, owner, place, ttl, redis);
    const { waiter, left, dropped } = nextOf(fair, redis);
    if (taken === -2 && (waiter ?? owner) === owner) {
      const reply = takeOrFindTaken(taking, redis.time(), redis);
      if (place !== undefined || waiter !== undefined) forget(fair, owner, redis);
      return reply;
    }
    if (waits && place === undefined) keepPlace(fair, owner, undefined, ttl, redis);
    if (taken === -2 && dropped) publish(`${sideKeyOf(lock, String(args[2]))}:${waiter!}`, '0');
    return [0, `${taken === -2 ? left : taken}:${waits || place !== undefined ? 1 : 0}`];
  });
};

/** The next waiter after the owner has left, whether another one was next before, and the first waiter of Redisson. */
function nextWithout(
  keys: Keys,
  owner: string,
  redis: Keyspace,
): { waiter?: string; changed: boolean; foreign?: string | undefined } {
  try {
    const [before] = redis.lrange(keys.queue);
    if (placeOf(keys.places, owner, redis) !== undefined) forget(keys, owner, redis);
    const { waiter } = nextOf(keys, redis);
    const all = redis.lrange(keys.queue);
    const mixed = all.length > redis.hgetall(keys.places).length;
    const foreign = mixed ? all.find((each) => isForeign(keys, each, redis)) : undefined;
    return { ...(waiter !== undefined && { waiter }), changed: waiter !== before, foreign };
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
    const { waiter, changed, foreign } = nextWithout({ queue, deadlines, places }, owner, redis);
    const channel = sideKeyOf(lock, channels);
    const isToTell = held || redis.pttl(lock) === -2 || (changed && redis.hgetall(lock)[0]?.[1] === '0');
    const told = isToTell ? publish(waiter === undefined ? channel : `${channel}:${waiter}`, '0') : 0;
    if (isToTell && told === 0 && foreign !== undefined && foreign !== waiter) publish(`${channel}:${foreign}`, '0');
    return held ? [1, told] : [0, 0];
  });
};

/** The scripts of fair locks. */
export const FAIR_MODELS: Readonly<Record<string, ScriptModel>> = {
  ACQUIRE_FAIR: acquireFair,
  RELEASE_FAIR: releaseFair,
};
