import { Redis } from 'ioredis';
import { createLockService } from 'nestjs-redis-lock';
import { describe, expect, it } from '@jest/globals';
import { testRedisUrl, uniqueName } from '../support/test-redis.js';

describe("a caller's client that returns numbers as strings", () => {
  it('acquires, inspects, extends and releases locks like any other', async () => {
    const client = new Redis(testRedisUrl(), { stringNumbers: true });
    await using locks = createLockService({ client });
    const name = uniqueName('strings');
    const names = [1, 2, 3].map((n) => `${name}:${n}`);
    const one = await locks.acquire(name);
    // Asked for in one turn: one call, one answer.
    const several = await Promise.all(names.map((each) => locks.acquire(each)));
    for (const { token } of [one, ...several]) expect(token).toBeGreaterThan(1e15);
    expect(await locks.tryAcquire(name)).toBeNull();
    expect(await locks.inspect(name)).toMatchObject({ held: true, holds: 1, token: one.token });
    await Promise.all(several.map((lease) => lease.extend(60_000)));
    for (const lease of several) expect(lease.remaining()).toBeGreaterThan(50_000);
    const outcomes = await Promise.all([one, ...several].map((lease) => lease.release()));
    expect(outcomes).toEqual(['released', 'released', 'released', 'released']);
    expect(await locks.inspect(name)).toMatchObject({ held: false, owner: undefined, holds: 0 });
    await client.quit();
  });
});
