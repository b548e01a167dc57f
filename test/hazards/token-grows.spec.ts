import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { connectLockService, type LockService } from 'nestjs-redis-lock';
import { tokenKey } from '../support/lock-keys.js';
import { describeWithRedisServer, RedisServer } from '../support/redis-server.js';
import { uniqueName } from '../support/test-redis.js';
import { waitUntil } from '../support/wait-until.js';

describeWithRedisServer('the fencing token', () => {
  let server: RedisServer;
  let admin: Redis;
  let locks: LockService;
  let name: string;

  beforeAll(async () => {
    server = await RedisServer.start();
    admin = server.client({ maxRetriesPerRequest: null });
    locks = await connectLockService({ url: server.url });
  });
  beforeEach(() => {
    name = uniqueName('token');
  });
  afterAll(async () => {
    await locks.close();
    await server.stop();
  });

  const nextToken = (by = locks): Promise<number> => by.withLock(name, ({ token }) => token);

  const serverMicros = async (): Promise<number> => {
    const [seconds, micros] = await admin.time();
    return Number(seconds) * 1_000_000 + Number(micros);
  };

  it.each([
    ['the server lost everything', () => admin.flushall()],
    ['its key was deleted', () => admin.del(tokenKey(name))],
    [
      'the server was restarted without its data',
      async () => {
        await server.restart();
        await waitUntil('the server is back', () => admin.ping());
      },
    ],
  ])('still grows when %s', async (_what, disaster) => {
    const before = [await nextToken(), await nextToken()];
    await disaster();
    const after = [await nextToken(), await nextToken()];
    const tokens = [...before, ...after];
    expect(tokens).toEqual([...new Set(tokens)].sort((a, b) => a - b));
  });

  it('still grows after a flush, for any number of tokens that an acquisition may reserve', async () => {
    await using generous = await connectLockService({ url: server.url, handOverCount: 1_000 });
    let last = 0;
    for (let round = 0; round < 100; round += 1) {
      const token = await nextToken(generous);
      expect(token).toBeGreaterThan(last);
      last = token;
    }
    await admin.flushall();
    expect(await nextToken(generous)).toBeGreaterThan(last);
  });

  it('still grows after a flush when each acquisition had waiters behind it', async () => {
    await using generous = await connectLockService({ url: server.url, handOverCount: 1_000, handOverTime: 0 });
    const tokens: number[] = [];
    const crowd = Array.from({ length: 300 }, () =>
      generous.withLock(name, ({ token }) => tokens.push(token), { wait: Infinity }),
    );
    await Promise.all(crowd);
    await admin.flushall();
    tokens.push(await nextToken(generous));
    expect(tokens).toHaveLength(301);
    expect(tokens.every((token, index) => index === 0 || token > tokens[index - 1]!)).toBe(true);
  });

  it('is not reserved for callers that could not be served within the hand-over time', async () => {
    await using hasty = await connectLockService({ url: server.url, handOverCount: 1_000, handOverTime: 0 });
    const reserved: number[] = [];
    await Promise.all(
      Array.from({ length: 20 }, () =>
        hasty.withLock(name, async ({ token }) => reserved.push(Number(await admin.get(tokenKey(name))) - token)),
      ),
    );
    expect(reserved).toEqual(Array.from({ length: 20 }, () => 0));
  });

  it("is close to the server's clock in µs, and an exact number", async () => {
    const before = await serverMicros();
    const token = await nextToken();
    const after = await serverMicros();
    expect(token).toBeGreaterThanOrEqual(before);
    expect(token).toBeLessThanOrEqual(after);
    expect(Number.isSafeInteger(token + 1_000_000 * 86_400 * 365 * 100)).toBe(true);
  });

  it('follows the stored token if that is ahead of the clock', async () => {
    const ahead = (await serverMicros()) + 3_600_000_000;
    await admin.set(tokenKey(name), String(ahead));
    expect(await nextToken()).toBe(ahead + 1);
    expect(await nextToken()).toBeGreaterThan(ahead + 1);
  });

  it('grows between services that never meet', async () => {
    await using other = await connectLockService({ url: server.url });
    const tokens: number[] = [];
    for (let round = 0; round < 20; round += 1) tokens.push(await nextToken(round % 2 === 0 ? locks : other));
    expect(tokens).toEqual([...new Set(tokens)].sort((a, b) => a - b));
  });

  it('expires on the server some time after its last use, and is kept while the lock is held', async () => {
    await using brief = await connectLockService({ url: server.url, tokenTtl: 60_000, lease: 300 });
    const lease = await brief.acquire(name);
    const ttl = await admin.pttl(tokenKey(name));
    expect(ttl).toBeGreaterThan(0);
    expect(ttl).toBeLessThanOrEqual(60_000);
    await admin.pexpire(tokenKey(name), 5_000);
    await waitUntil('a renewal lengthens it', async () => (await admin.pttl(tokenKey(name))) > 5_000);
    await lease.release();
    expect(await admin.exists(tokenKey(name))).toBe(1);
  });

  it('has a time to live of one day by default', async () => {
    await nextToken();
    const ttl = await admin.pttl(tokenKey(name));
    expect(ttl).toBeGreaterThan(86_400_000 - 60_000);
    expect(ttl).toBeLessThanOrEqual(86_400_000);
  });
});
