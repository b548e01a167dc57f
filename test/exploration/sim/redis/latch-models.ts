import { millisOf } from './places.js';
import type { ScriptModel } from './script-model.js';

const REMEMBER_MS = 600_000;

const latch: ScriptModel = ([key], args, redis, publish) => {
  const [op, side, ttl, holds, ofSemaphore, channel, id, amount] = args.map(String);
  const value = redis.get(key!);
  if (value !== null && !/^-?\d+$/.test(value)) throw new Error('WRONGTYPE The key is not a count');
  const others = value !== null && redis.type(side!) === 'none' ? [holds!, ofSemaphore!] : [];
  if (others.some((other) => redis.type(other) !== 'none')) throw new Error('WRONGTYPE The key is a semaphore');
  const count = Number(value ?? 0);
  if (op === 'count') {
    redis.pexpire(side!, Number(ttl));
    return count;
  }
  const now = millisOf(redis);
  for (const [old, at] of redis.zrange(side!)) if (at <= now - REMEMBER_MS) redis.zrem(side!, old);
  const known = redis.zscore(side!, id!) !== undefined;
  if (op === 'set' && (known || value !== null)) return known ? 1 : 0;
  if (op !== 'set' && (known || value === null)) return count;
  redis.zadd(side!, id!, now);
  redis.pexpire(side!, Number(ttl));
  if (op === 'set') {
    redis.set(key!, amount!);
    publish(channel!, '1');
    return 1;
  }
  if (count > 1) return redis.incrby(key!, -1);
  redis.del(key!);
  publish(channel!, '0');
  return 0;
};

/** The script of latches. */
export const LATCH_MODELS: Readonly<Record<string, ScriptModel>> = { LATCH: latch };
