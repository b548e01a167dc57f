import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { read, rename, ShopFixture } from './shop-fixture.js';

describe('the keys that the shop leaves in Redis', () => {
  let fixture: ShopFixture;
  beforeAll(async () => {
    fixture = await ShopFixture.start();
  });
  afterAll(async () => {
    await fixture.stop();
  });

  it('all have a time to live, even after the shop was killed', async () => {
    const { url, replicas } = await fixture.shop('with-lock', 1, {
      PRICES_CRON: '* * * * * *',
      PRICES_WINDOW_MS: '500',
    });
    for (const path of ['/catalog', '/catalog/lighting', '/prices']) expect((await read(url + path)).status).toBe(200);
    expect((await rename(url, 2, '{"name":"Ash"}')).status).toBeLessThan(300);
    await fetch(`${url}/orders`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'Idempotency-Key': randomUUID() },
      body: '{"sku":"oak-table","quantity":1}',
    });
    const before = await keys();
    replicas[0]!.process.signal('SIGKILL');
    await replicas[0]!.process.untilExit();
    const all = await keys();
    expect(before.length).toBeGreaterThan(2);
    expect(all.filter(({ ms }) => ms === -1)).toEqual([]);
  });

  const keys = async () => {
    const redis = new Redis(fixture.backing.redisUrl);
    const found: { key: string; ms: number }[] = [];
    for (const key of await redis.keys(`*${fixture.backing.redisPrefix}*`)) {
      found.push({ key, ms: await redis.pttl(key) });
    }
    redis.disconnect();
    return found;
  };
});
