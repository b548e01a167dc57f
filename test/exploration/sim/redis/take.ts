import type { Keyspace } from './keyspace.js';

export interface Taking {
  readonly lock: string;
  readonly counter: string;
  readonly owner: string;
  readonly lease: number;
  readonly tokens: number;
  readonly ttl: number;
}

/** Issues the tokens, and writes the lock unless the owner has it. */
export function take(
  { lock, counter, owner, lease, tokens, ttl }: Taking,
  proposed: number,
  redis: Keyspace,
): [number, number] {
  const last = redis.get(counter);
  const first = last === null ? proposed : Math.max(proposed, Number(last) + 1);
  redis.set(counter, String(first + tokens - 1), ttl);
  if (redis.pttl(lock) !== -2) return [1, first];
  redis.hset(lock, owner, '1');
  redis.pexpire(lock, lease);
  return [1, first];
}

/** The status and the first token, or for how long another owner has the lock. */
export function takeOrFindTaken(taking: Taking, clock: number, redis: Keyspace): [number, number] {
  const { lock, counter, owner, lease, tokens } = taking;
  const left = redis.pttl(lock);
  if (left !== -2) {
    if (!redis.hexists(lock, owner)) {
      if (redis.hexists(lock, 'mode')) throw new Error('WRONGTYPE The key is a read-write lock');
      return [0, left];
    }
    if (left < lease) redis.pexpire(lock, lease);
    const last = redis.get(counter);
    if (last !== null) return [1, Number(last) - tokens + 1];
  }
  return take(taking, clock, redis);
}
