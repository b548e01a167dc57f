import { describe, expect, it } from '@jest/globals';
import { commandsSoFar } from '../../sample-app/lab/demo/redis-commands.js';
import { complaints, failures, summary, table } from '../../sample-app/lab/demo/report.js';
import type { StampedeResult } from '../../sample-app/lab/demo/stampede.js';
import { readConfig } from '../../sample-app/shop/config/config.js';
import { seedCategories } from '../../sample-app/shop/database/seed.js';
import { describeWithRedisServer, RedisServer } from '../support/redis-server.js';

describe("the demo's report", () => {
  const served = [300, 100, 200].map((ms) => ({ ms, error: '' }));
  const good: StampedeResult = {
    guard: 'with-lock',
    aloneMs: 100,
    warmMs: 50,
    served,
    rebuilds: 1,
    redisCommands: 1_234,
  };

  it('has no complaints about one rebuild and correct readers', () => {
    expect(complaints(good)).toEqual([]);
  });

  it.each([0, 2])('complains about %i rebuilds', (rebuilds) => {
    expect(complaints({ ...good, rebuilds })).toEqual([`The catalog was rebuilt ${rebuilds} times, not once.`]);
  });

  it('complains about readers without a correct catalog, and counts them by reason', () => {
    const errors = ['wrong catalog', '', 'status 500', 'wrong catalog'].map((error) => ({ ms: 1, error }));
    expect(failures({ ...good, served: errors })).toEqual(['2 readers: wrong catalog', '1 readers: status 500']);
    expect(complaints({ ...good, served: errors })).toHaveLength(2);
  });

  it('shows when the last reader and the middle one were served', () => {
    const lines = table([good, { ...good, guard: 'none', rebuilds: 1_999 }]).split('\n');
    const cells = (line: string) => line.split('|').map((cell) => cell.trim());
    expect(cells(lines[2]!)).toEqual(['', '@WithLock', '1', '0.30 s', '0.20 s', '0.30 s', '1,234', '0', '']);
    expect(cells(lines[3]!).slice(1, 3)).toEqual(['no guard', '1,999']);
    expect(new Set(lines.map((line) => line.length)).size).toBe(1);
  });
});

describe('the end of the demo', () => {
  it('reports in sentences how often the query ran, and whether all readers got the catalog', () => {
    const served = [100, 300].map((ms) => ({ ms, error: '' }));
    const result = { aloneMs: 100, warmMs: 50, served, rebuilds: 1, redisCommands: 9 };
    expect(
      summary([
        { ...result, guard: 'none', rebuilds: 1_743, served: [{ ms: 1_200, error: 'status 500' }, served[0]!] },
        { ...result, guard: 'with-lock' },
      ]).split('\n'),
    ).toEqual([
      '2 readers came at once to an empty cache.',
      '  no guard: the slow query ran 1,743 times, and 1 readers did not get it, the last one after 1.20 s.',
      '  @WithLock: the slow query ran once, and every reader got the catalog, the last one after 0.30 s.',
    ]);
  });
});

describeWithRedisServer("the demo's count of Redis commands", () => {
  it('does not include the counting command itself', async () => {
    await using server = await RedisServer.start();
    const client = server.client();
    const before = await commandsSoFar(client);
    await client.set('key', '1');
    await client.eval("return redis.call('get', KEYS[1])", 1, 'key');
    // The command inside the script counts too: it is work for the server.
    expect((await commandsSoFar(client)) - before).toBe(3);
  });
});

describe('the configuration of the shop', () => {
  const needed = { DATABASE_URL: 'postgres://a:b@127.0.0.1/shop', REDIS_URL: 'redis://127.0.0.1' };

  it('needs no more than the two services', () => {
    expect(readConfig(needed)).toMatchObject({
      port: 3000,
      lockLeaseMs: 30_000,
      catalogTtlMs: 600_000,
    });
  });

  it.each([
    [{ PORT: '70000' }, 'PORT must be a whole number from 0 to 65535, but is "70000".'],
    [{ PORT: '-1' }, 'PORT must be'],
    [{ LOCK_LEASE_MS: '1e3' }, 'LOCK_LEASE_MS must be'],
    [{ LOG_LEVEL: 'loud' }, 'LOG_LEVEL must be one of trace, debug,'],
    [{ REDIS_URL: '' }, 'REDIS_URL must be set to a URL that begins with redis:// or rediss://.'],
    [{ REDIS_URL: 'http://secret@host' }, 'REDIS_URL must be'],
    [{ DATABASE_URL: 'postgres' }, 'DATABASE_URL must be'],
  ])('rejects %j', (env, message) => {
    expect(() => readConfig({ ...needed, ...env })).toThrow(message);
    expect(() => readConfig({ ...needed, ...env })).not.toThrow('secret');
  });
});

describe('the seed', () => {
  it('is the same every time, with three levels, and each parent before its children', () => {
    const rows = seedCategories();
    expect(seedCategories()).toEqual(rows);
    expect([1, 2, 3].map((level) => rows.filter((row) => row.level === level).length)).toEqual([12, 144, 2_160]);
    for (const { id, level, parentId, section } of rows) {
      const parent = rows.find((row) => row.id === parentId);
      expect(parent?.level ?? 0).toBe(level - 1);
      expect(parent?.section ?? section).toBe(section);
      expect(parent?.id ?? 0).toBeLessThan(id);
    }
  });
});
