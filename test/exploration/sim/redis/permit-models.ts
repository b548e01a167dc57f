import type { Keyspace } from './keyspace.js';
import { millisOf, placeOf, placesIn, type Places } from './places.js';
import { each, sideKeyOf, type ScriptModel } from './script-model.js';

/** A member of the holds. In Redis it is 16 bytes; here it is their hex digits. */
export function memberOf(prefix: string, index: number): string {
  return prefix + index.toString(16).padStart(4, '0');
}

/** The members of one owner. */
function membersOf(prefix: string, take: number): string[] {
  return Array.from({ length: take }, (_, index) => memberOf(prefix, index));
}

function fieldOf(redis: Keyspace, key: string, field: string): string | undefined {
  return redis.hgetall(key).find(([name]) => name === field)?.[1];
}

function takeBack(holds: string, side: string, redis: Keyspace): number {
  const ended = redis.zrange(holds).filter(([, score]) => score <= millisOf(redis));
  for (const [member] of ended) {
    redis.zrem(holds, member);
    redis.hdel(side, `n${member.slice(0, 28)}`);
  }
  return ended.length;
}

function placesOf(side: string, prefix: string, redis: Keyspace): Places {
  return placesIn(fieldOf(redis, side, 'w') ?? '', prefix, () => true, redis);
}

/** A hash field without a value is deleted. */
function setOrDelete(redis: Keyspace, side: string, field: string, value: string): void {
  if (value === '') redis.hdel(side, field);
  else redis.hset(side, field, value);
}

function keepKeys(key: string, holds: string, side: string, ttl: number, redis: Keyspace): void {
  if (redis.hexists(side, 'own')) {
    redis.pexpire(key, ttl);
    const [, last] = redis.zrange(holds).at(-1) ?? [];
    if (last !== undefined) redis.pexpire(holds, Math.max(ttl, last < 9e14 ? last - millisOf(redis) : 0));
  }
  redis.pexpire(side, ttl);
}

function issue(counter: string, tokens: number, ttl: number, redis: Keyspace): number {
  const last = redis.get(counter);
  const first = last === null ? redis.time() : Math.max(redis.time(), Number(last) + 1);
  redis.set(counter, String(first + tokens - 1), ttl);
  return first;
}

const acquirePermits: ScriptModel = (keys, args, redis, publish) => {
  const [ttl, lease] = args.map(Number) as [number, number];
  return each(keys.length / 4, (i) => {
    const [key, holds, side, counter] = keys.slice(4 * i, 4 * i + 4) as [string, string, string, string];
    const prefix = String(args[5 * i + 4]);
    const [take, permits, tokens] = args.slice(5 * i + 5, 5 * i + 8).map(Number) as [number, number, number];
    const waits = String(args[5 * i + 8]) === '1';
    const now = millisOf(redis);
    const available = redis.get(key);
    if (available !== null && Number.isNaN(Number(available))) throw new Error('WRONGTYPE The key is not a number');
    const members = membersOf(prefix, take);
    if (redis.zscore(holds, members[0]!) !== undefined) {
      for (const member of members) {
        const score = redis.zscore(holds, member);
        if (score !== undefined && score < now + lease) redis.zadd(holds, member, now + lease);
      }
      return [1, String(issue(counter, tokens, ttl, redis))];
    }
    const known = fieldOf(redis, side, 'permits');
    if (available !== null && known === undefined && redis.type(sideKeyOf(key, String(args[3]))) !== 'none') {
      throw new Error('WRONGTYPE The key is a latch');
    }
    const ended = takeBack(holds, side, redis);
    const taken = redis.zrange(holds).length;
    const sum = available === null ? undefined : Number(available) + ended + taken;
    if (sum !== undefined && sum !== permits && sum !== Number(known) && (known === undefined || sum < Number(known))) {
      if (ended > 0) redis.incrby(key, ended);
      throw new Error(`PERMITS ${sum} of ${known ?? 'another client'}`);
    }
    let left = permits - taken;
    const { since, own, ends, others } = placesOf(side, prefix, redis);
    const granted = ends === undefined && left >= take;
    const token = granted ? issue(counter, tokens, ttl, redis) : 0;
    redis.hset(side, 'permits', String(permits));
    if (available === null) redis.hset(side, 'own', '1');
    const raised = available !== null && left > Number(available) + ended;
    let place = granted ? '' : own;
    if (granted) {
      for (const member of members) redis.zadd(holds, member, now + lease);
      left -= take;
    } else if (waits && take > 1) place = placeOf(prefix, since, redis);
    setOrDelete(redis, side, 'w', place + others);
    if (available === null) redis.set(key, String(left));
    else if (left !== Number(available)) redis.incrby(key, left - Number(available));
    keepKeys(key, holds, side, ttl, redis);
    if (left > 0 && (ended > 0 || raised || (granted && since !== undefined))) {
      publish(sideKeyOf(key, String(args[2])), String(left));
    }
    if (granted) return [1, String(token)];
    const [, score = Infinity] = redis.zrange(holds)[0] ?? [];
    const end = Math.min(score < 9e14 ? score : Infinity, ends ?? Infinity);
    return [0, `${end === Infinity ? -1 : Math.max(1, end - now)}:${place === '' ? 0 : 1}`];
  });
};

const renewPermits: ScriptModel = (keys, args, redis) => {
  const [ttl, lease] = args.map(Number) as [number, number];
  return each(keys.length / 3, (i) => {
    const [key, holds, side] = keys.slice(3 * i, 3 * i + 3) as [string, string, string];
    const [prefix, take, number] = [String(args[3 * i + 3]), Number(args[3 * i + 4]), Number(args[3 * i + 5])];
    const now = millisOf(redis);
    const members = membersOf(prefix, take);
    if (members.some((member) => redis.zscore(holds, member) === undefined)) return [0, 0];
    const last = fieldOf(redis, side, `n${prefix}`);
    if (last === 'kept') return [0, 0];
    const newer = number > Number(last ?? 0);
    if (newer) redis.hset(side, `n${prefix}`, String(number));
    for (const member of members) {
      if ((newer && String(args[2]) === '1') || redis.zscore(holds, member)! < now + lease) {
        redis.zadd(holds, member, now + lease);
      }
    }
    keepKeys(key, holds, side, ttl, redis);
    return [1, 0];
  });
};

const releasePermits: ScriptModel = (keys, args, redis, publish) =>
  each(keys.length / 3, (i) => {
    const [key, holds, side] = keys.slice(3 * i, 3 * i + 3) as [string, string, string];
    const [prefix, take, keep] = [String(args[2 * i + 3]), Number(args[2 * i + 4]), Number(args[0])];
    const counter = redis.get(key);
    if (counter !== null && Number.isNaN(Number(counter))) throw new Error('WRONGTYPE The key is not a number');
    const stored = fieldOf(redis, side, 'w') ?? '';
    const others = stored.replace(new RegExp(`${prefix}:\\d+:\\d+;`), '');
    const waited = others !== stored;
    if (waited) setOrDelete(redis, side, 'w', others);
    let had = 0;
    for (const member of membersOf(prefix, take)) {
      if (keep > 0 && redis.zscore(holds, member) !== undefined) {
        redis.zadd(holds, member, millisOf(redis) + keep);
        had += 1;
      } else if (keep === 0 && redis.zrem(holds, member)) had += 1;
    }
    let available = 0;
    if (keep > 0) {
      if (had > 0) redis.hset(side, `n${prefix}`, 'kept');
    } else {
      redis.hdel(side, `n${prefix}`);
      if (had > 0 && redis.get(key) !== null) available = redis.incrby(key, had);
    }
    if (had > 0) keepKeys(key, holds, side, Number(args[2]), redis);
    const lost = had < take && (counter === null || Number(counter) > 0);
    let told = 0;
    if (had > 0 || waited || lost) told = publish(sideKeyOf(key, String(args[1])), String(Math.max(available, 1)));
    return [had === take ? 1 : 0, had === take ? told : 0];
  });

const inspectPermits: ScriptModel = (keys, _args, redis) => {
  const [key, holds, side] = keys as [string, string, string];
  const all = redis.zrange(holds);
  const ended = all.filter(([, score]) => score <= millisOf(redis)).length;
  const available = redis.get(key);
  if (available !== null && Number.isNaN(Number(available))) throw new Error('WRONGTYPE The key is not a number');
  return [
    available === null ? '' : Number(available) + ended,
    all.length - ended,
    fieldOf(redis, side, 'permits') ?? '',
  ];
};

const kind: ScriptModel = (keys, args, redis) => {
  const [key, holds, side, latch] = [keys[0]!, ...args.map(String)] as [string, string, string, string];
  const type = redis.type(key);
  if (type === 'hash') return redis.hexists(key, 'mode') ? 'read-write' : 'lock';
  if (type !== 'string') return type === 'none' ? type : 'other';
  if (redis.type(holds) !== 'none' || redis.type(side) !== 'none') return 'semaphore';
  if (redis.type(latch) !== 'none') return 'latch';
  return /^-?\d+$/.test(redis.get(key)!) ? 'counter' : 'other';
};

/** The scripts of semaphores. */
export const PERMIT_MODELS: Readonly<Record<string, ScriptModel>> = {
  ACQUIRE_PERMITS: acquirePermits,
  RENEW_PERMITS: renewPermits,
  RELEASE_PERMITS: releasePermits,
  INSPECT_PERMITS: inspectPermits,
  KIND: kind,
};
