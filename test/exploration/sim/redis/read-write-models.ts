import type { Keyspace } from './keyspace.js';
import { millisOf, PLACE_MS, placeOf, placesIn } from './places.js';
import { leftOf, writes } from './read-write-keys.js';
import { each, sideKeyOf, type ScriptModel } from './script-model.js';

const any = (): boolean => true;
const none = (): boolean => false;

function fieldOf(redis: Keyspace, key: string, field: string): string | undefined {
  return redis.hgetall(key).find(([name]) => name === field)?.[1];
}

/** For how long readers have the lock, in ms; -2 if there are none. Those whose leases have ended are removed. */
function readFor(lock: string, redis: Keyspace): number {
  let most = -2;
  for (const [field, value] of redis.hgetall(lock)) {
    const left = leftOf(lock, field, value, redis);
    if (left === -2 && field !== 'mode' && !writes(field)) redis.hdel(lock, field);
    most = Math.max(most, left);
  }
  return most;
}

function issue(counter: string, tokens: number, ttl: number, redis: Keyspace): string {
  const last = redis.get(counter);
  const first = last === null ? redis.time() : Math.max(redis.time(), Number(last) + 1);
  redis.set(counter, String(first + tokens - 1), ttl);
  return String(first);
}

function lastOf(counter: string, ttl: number, redis: Keyspace): string {
  const last = redis.get(counter);
  if (last !== null) redis.pexpire(counter, ttl);
  else redis.set(counter, String(redis.time()), ttl);
  return last ?? String(redis.time());
}

function keep(order: string, entries: string, redis: Keyspace): void {
  if (entries === '') redis.del(order);
  else redis.set(order, entries, PLACE_MS);
}

interface Request {
  readonly lock: string;
  readonly counter: string;
  readonly timeout: string;
  readonly owner: string;
  readonly tokens: number;
  readonly lease: number;
  readonly ttl: number;
}

/** The owner already has the lock: the first reply was lost. */
function again({ lock, counter, timeout, owner, tokens, lease, ttl }: Request, redis: Keyspace): [number, string] {
  if (redis.pttl(lock) < lease) redis.pexpire(lock, lease);
  if (writes(owner)) {
    const last = redis.get(counter);
    return [1, last === null ? issue(counter, tokens, ttl, redis) : String(Number(last) - tokens + 1)];
  }
  if (redis.pttl(timeout) < lease) redis.pexpire(timeout, lease);
  return [1, lastOf(counter, ttl, redis)];
}

const acquireReadWrite: ScriptModel = (keys, args, redis) => {
  const [ttl, lease] = args.map(Number) as [number, number];
  return each(keys.length / 4, (i) => {
    const [lock, counter, order, timeout] = keys.slice(4 * i, 4 * i + 4) as [string, string, string, string];
    const [owner, tokens, waits] = [
      String(args[3 * i + 2]),
      Number(args[3 * i + 3]),
      String(args[3 * i + 4]) === '1',
    ] as const;
    const mode = fieldOf(redis, lock, 'mode');
    const left = redis.pttl(lock);
    if (mode === undefined && left !== -2) throw new Error('WRONGTYPE The key is a lock of another kind');
    const request = { lock, counter, timeout, owner, tokens, lease, ttl };
    const has = redis.hexists(lock, owner) && (writes(owner) || redis.pttl(timeout) !== -2);
    if (has) return again(request, redis);
    const blocks = writes(owner) ? any : writes;
    const { since, own, ends, others } = placesIn(redis.get(order) ?? '', owner, blocks, redis);
    if (ends !== undefined || mode === 'write' || (mode !== undefined && writes(owner))) {
      const place = waits ? placeOf(owner, since, redis) : own;
      keep(order, place + others, redis);
      const now = millisOf(redis);
      const end = Math.min(ends ?? Infinity, mode !== undefined && left >= 0 ? now + left : Infinity);
      return [0, `${end === Infinity ? -1 : Math.max(1, end - now)}:${place === '' ? 0 : 1}`];
    }
    const token = writes(owner) ? issue(counter, tokens, ttl, redis) : lastOf(counter, ttl, redis);
    if (!writes(owner)) redis.set(timeout, '1', lease);
    redis.hset(lock, 'mode', writes(owner) ? 'write' : 'read');
    redis.hset(lock, owner, '1');
    if (left < lease) redis.pexpire(lock, lease);
    if (since !== undefined) keep(order, others, redis);
    return [1, token];
  });
};

/** '' if there is no text. */
function textOf(key: string, redis: Keyspace): string {
  return redis.type(key) === 'string' ? redis.get(key)! : '';
}

const renewReadWrite: ScriptModel = (keys, args, redis) => {
  const [ttl, lease] = args.map(Number) as [number, number];
  return each(keys.length / 2, (i) => {
    const [lock, timeout] = keys.slice(2 * i, 2 * i + 2) as [string, string];
    const [owner, number] = [String(args[2 * i + 5]), Number(args[2 * i + 6])];
    if (!redis.hexists(lock, owner)) return [0, 0];
    const value = writes(owner) ? fieldOf(redis, lock, owner) : redis.get(timeout);
    if (value === undefined || value === null || value === '0') return [0, 0];
    const newer = number > Number(/\.(\d+)$/.exec(value)?.[1] ?? 0);
    const shorten = newer && String(args[2]) === '1';
    redis.pexpire(sideKeyOf(lock, String(args[3])), ttl);
    if (writes(owner)) {
      if (newer) redis.hset(lock, owner, `1.${number}`);
      if (shorten || redis.pttl(lock) < lease) redis.pexpire(lock, lease);
      return [1, 0];
    }
    const left = redis.pttl(timeout);
    if (newer) redis.set(timeout, `1.${number}`, left < 0 ? undefined : left);
    if (shorten || left < lease) redis.pexpire(timeout, lease);
    const most = readFor(lock, redis);
    if (shorten || redis.pttl(lock) < most) redis.pexpire(lock, most);
    const { ends } = placesIn(textOf(sideKeyOf(lock, String(args[4])), redis), '', writes, redis);
    return [1, ends === undefined ? 0 : 1];
  });
};

function leavePlace(order: string, owner: string, redis: Keyspace): boolean {
  const { own, others } = placesIn(textOf(order, redis), owner, none, redis);
  if (own === '') return false;
  keep(order, others, redis);
  return true;
}

/** Whether the lock is free now, or free sooner than waiters know. */
function leave(lock: string, owner: string, timeout: string, order: string, redis: Keyspace): boolean {
  const before = redis.pttl(lock);
  redis.hdel(lock, owner);
  if (!writes(owner)) redis.del(timeout);
  const mode = fieldOf(redis, lock, 'mode');
  const left = readFor(lock, redis);
  if (left > 0) {
    if (mode !== 'read' || left >= before) return false;
    redis.pexpire(lock, left);
    return redis.type(order) !== 'none';
  }
  if (mode === 'write' && !writes(owner)) return false;
  redis.del(lock);
  return true;
}

const releaseReadWrite: ScriptModel = (keys, args, redis, publish) =>
  each(keys.length / 2, (i) => {
    const [lock, timeout] = keys.slice(2 * i, 2 * i + 2) as [string, string];
    const [owner, keepMs] = [String(args[i + 3]), Number(args[0])];
    const held = redis.hexists(lock, owner) && (writes(owner) || redis.pttl(timeout) !== -2);
    const order = sideKeyOf(lock, String(args[2]));
    let changed = leavePlace(order, owner, redis);
    if (held && keepMs > 0) {
      changed = true;
      if (writes(owner)) {
        redis.hset(lock, owner, '0');
        redis.pexpire(lock, keepMs);
      } else {
        redis.set(timeout, '0', keepMs);
        redis.pexpire(lock, readFor(lock, redis));
      }
    } else if (redis.hexists(lock, owner)) changed = leave(lock, owner, timeout, order, redis) || changed;
    else if (redis.pttl(lock) === -2) changed = true;
    const told = changed ? publish(sideKeyOf(lock, String(args[1])), writes(owner) ? '1' : '0') : 0;
    return held ? [1, told] : [0, 0];
  });

/** The scripts of read-write locks. */
export const READ_WRITE_MODELS: Readonly<Record<string, ScriptModel>> = {
  ACQUIRE_READ_WRITE: acquireReadWrite,
  RENEW_READ_WRITE: renewReadWrite,
  RELEASE_READ_WRITE: releaseReadWrite,
};
