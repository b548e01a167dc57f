import { Redis } from 'ioredis';
import type { WriteOutcome } from '../actor/actor-messages.js';

/** The keys expire after this time, in s, if the Redis outlives a killed run. The scripts below use the same time. */
const keptS = 3_600;

/** KEYS: the callers inside, their largest number so far. ARGV: caller. */
const enter = `
redis.call('sadd', KEYS[1], ARGV[1])
redis.call('expire', KEYS[1], 3600)
local inside = redis.call('scard', KEYS[1])
if inside > tonumber(redis.call('get', KEYS[2]) or '0') then redis.call('set', KEYS[2], inside, 'EX', 3600) end
return inside`;

/** KEYS: value, fence, writes. ARGV: caller, token or nothing. 1: written; 0: it, or a later token, has been here. */
const write = `
if ARGV[2] ~= '' then
  if tonumber(ARGV[2]) <= tonumber(redis.call('get', KEYS[2]) or '0') then return 0 end
  redis.call('set', KEYS[2], ARGV[2], 'EX', 3600)
end
redis.call('set', KEYS[1], ARGV[1], 'EX', 3600)
redis.call('rpush', KEYS[3], ARGV[1])
redis.call('expire', KEYS[3], 3600)
return 1`;

/**
 * Records the events of one cell in a Redis that the locks do not use: the callers inside, the rebuilds of the cache,
 * the writers of the guarded value. The callers and the stage each have their own connection to it.
 */
export class Witness {
  private readonly redis: Redis;

  constructor(
    url: string,
    private readonly prefix: string,
  ) {
    this.redis = new Redis(url, { maxRetriesPerRequest: null });
    this.redis.on('error', () => undefined);
  }

  /** Deletes its keys, since the Redis may be shared. */
  async forget(): Promise<void> {
    await this.redis.del(...['inside', 'most', 'rebuilds', 'cache', 'value', 'fence', 'writes'].map(this.key));
  }

  async enter(caller: string): Promise<void> {
    await this.redis.eval(enter, 2, this.key('inside'), this.key('most'), caller);
  }

  /** Called when a caller has left or died inside. */
  async leave(caller: string): Promise<void> {
    await this.redis.srem(this.key('inside'), caller);
  }

  /** Checks the cache, as every rebuild does inside the lock; records a rebuild if the cache is empty. */
  async beginRebuildIfCold(): Promise<boolean> {
    if ((await this.redis.exists(this.key('cache'))) === 1) return false;
    const key = this.key('rebuilds');
    await this.redis.multi().incr(key).expire(key, keptS).exec();
    return true;
  }

  async fillCache(): Promise<void> {
    await this.redis.set(this.key('cache'), 'the catalog', 'EX', keptS);
  }

  /** Writes the guarded value, with a condition if the caller has a token. */
  async write(caller: string, token: number | null): Promise<WriteOutcome> {
    const keys = [this.key('value'), this.key('fence'), this.key('writes')];
    return (await this.redis.eval(write, 3, ...keys, caller, token ?? '')) === 1 ? 'written' : 'refused';
  }

  async mostInside(): Promise<number> {
    return Number((await this.redis.get(this.key('most'))) ?? 0);
  }

  async rebuilds(): Promise<number> {
    return Number((await this.redis.get(this.key('rebuilds'))) ?? 0);
  }

  /** Who wrote, in order. */
  writes(): Promise<string[]> {
    return this.redis.lrange(this.key('writes'), 0, -1);
  }

  close(): void {
    this.redis.disconnect();
  }

  private readonly key = (name: string): string => `${this.prefix}witness:${name}`;
}
