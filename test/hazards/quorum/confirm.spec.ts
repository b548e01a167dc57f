import { afterAll, beforeEach, describe, expect, it } from '@jest/globals';
import { CONFIRM } from '../../../lib/stores/quorum/lua/confirm.lua.js';
import { lockKey, tokenKey } from '../../support/lock-keys.js';
import { redisClient, uniqueName } from '../../support/test-redis.js';

/** What one node does when it is asked to store the token that a majority's largest proposal came to. */
describe('a node that has to store a token', () => {
  const redis = redisClient();
  let name: string;

  beforeEach(() => {
    name = uniqueName('confirm');
  });
  afterAll(async () => {
    await redis.quit();
  });

  const confirm = (last: number, rejoinMs = 0) =>
    redis.eval(CONFIRM, 2, lockKey(name), tokenKey(name), 60_000, '', '', 'me:1', last, rejoinMs) as Promise<
      [number, number]
    >;
  const hold = async (owner: string, token: number): Promise<void> => {
    await redis.hset(lockKey(name), owner, 1);
    await redis.pexpire(lockKey(name), 60_000);
    await redis.set(tokenKey(name), token);
  };

  it('does so for the holder, and never lowers a token', async () => {
    await hold('me:1', 5);
    expect(await confirm(9)).toBe(0);
    expect(await redis.get(tokenKey(name))).toBe('9');
    expect(await redis.pttl(tokenKey(name))).toBeGreaterThan(0);
  });

  it('does nothing for another owner', async () => {
    await hold('other:1', 5);
    expect(await confirm(9)).toEqual([0, 0]);
    expect(await confirm(9, 1_000)).toEqual([0, 0]);
    expect(await redis.get(tokenKey(name))).toBe('5');
    expect(await redis.hkeys(lockKey(name))).toEqual(['other:1']);
  });

  it('does not confirm a token below its own, since another owner was granted in between', async () => {
    await hold('me:1', 10);
    expect(await confirm(9)).toEqual([0, 0]);
    expect(await redis.get(tokenKey(name))).toBe('10');
  });

  it('lets the holder of a majority join again where the lock is free', async () => {
    expect(await confirm(9)).toEqual([0, 0]);
    expect(await redis.exists(lockKey(name), tokenKey(name))).toBe(0);
    expect(await confirm(9, 60_000)).toBe(0);
    expect(await redis.hkeys(lockKey(name))).toEqual(['me:1']);
    expect(await redis.pttl(lockKey(name))).toBeGreaterThan(0);
    expect(await redis.get(tokenKey(name))).toBe('9');
  });
});
