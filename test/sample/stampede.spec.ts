import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { createLockService } from '../../lib/index.js';
import { waitUntil } from '../support/wait-until.js';
import { read, readMany, readVersion, rename, ShopFixture } from './shop-fixture.js';

describe('many readers of an empty cache', () => {
  let fixture: ShopFixture;

  beforeAll(async () => {
    fixture = await ShopFixture.start();
  });
  afterEach(async () => {
    await fixture.stopShops();
  });
  afterAll(async () => {
    await fixture.stop();
  });

  /** Lets readers at all replicas at once and tells what they got and how often the database was asked. */
  const stampede = async (guard: 'none' | 'stage-5' | 'with-lock' | 'single-flight', howManyReplicas: number) => {
    const shop = await fixture.shop(guard, howManyReplicas, { CATALOG_QUERY_MS: '300' });
    await fixture.cold();
    const check = await fixture.check();
    const answers = await readMany(`${shop.url}/catalog`, 60);
    return {
      url: shop.url,
      right: answers.filter(({ status, body }) => status === 200 && check.isRight(body)).length,
      replicas: new Set(answers.map(({ replica }) => replica)).size,
      rebuilds: await fixture.rebuilds(),
    };
  };

  it('cause one rebuild under @WithLock, across all replicas', async () => {
    const { right, replicas, rebuilds } = await stampede('with-lock', 3);
    expect({ right, replicas }).toEqual({ right: 60, replicas: 3 });
    expect(rebuilds).toHaveLength(1);
    expect(rebuilds[0]).toMatchObject({ section: '*', ended: expect.any(Date) });
    expect(rebuilds[0]!.token).toBeGreaterThan(0);
  });

  it('cause one rebuild as a single flight, and another one after a change', async () => {
    const { url, right, replicas, rebuilds } = await stampede('single-flight', 3);
    expect({ right, replicas }).toEqual({ right: 60, replicas: 3 });
    expect(rebuilds).toHaveLength(1);
    const name = `Ash ${String(Date.now())}`;
    const renamed = await rename(url, 2, JSON.stringify({ name }));
    const version = Number(renamed.headers.get('catalog-version'));
    const answers = await Promise.all(Array.from({ length: 12 }, () => readVersion(`${url}/catalog`, version)));
    expect(answers.map(({ status }) => status)).toEqual(Array(12).fill(200));
    expect(answers.every(({ body }) => body.includes(name))).toBe(true);
    expect((await fixture.rebuilds()).filter(({ section }) => section === '*')).toHaveLength(2);
  });

  it('cause one rebuild under the hand-written lock, too', async () => {
    const { right, rebuilds } = await stampede('stage-5', 2);
    expect(right).toBe(60);
    expect(rebuilds).toHaveLength(1);
    expect(rebuilds[0]).toMatchObject({ token: null });
  });

  it('cause many rebuilds without a guard', async () => {
    const { right, rebuilds } = await stampede('none', 2);
    expect(right).toBe(60);
    expect(rebuilds.length).toBeGreaterThan(1);
  });

  it('cause one rebuild even if it takes several leases', async () => {
    const shop = await fixture.shop('with-lock', 2, { LOCK_LEASE_MS: '2000', CATALOG_QUERY_MS: '7000' });
    await fixture.cold();
    const answers = await readMany(`${shop.url}/catalog`, 10);
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200));
    expect(await fixture.rebuilds()).toHaveLength(1);
  });

  it('do not wait for the rebuild of another section', async () => {
    const shop = await fixture.shop('with-lock', 2, { CATALOG_QUERY_MS: '0' });
    await fixture.cold();
    await using locks = createLockService({
      url: fixture.backing.redisUrl,
      keyPrefix: `${fixture.backing.redisPrefix}lock:`,
    });
    const lease = await locks.acquire('catalog:lighting');
    const lighting = read(`${shop.url}/catalog/lighting`);
    let served = false;
    void lighting.then(() => (served = true));

    const kitchen = await readMany(`${shop.url}/catalog/kitchen`, 10);
    expect(kitchen.map(({ status }) => status)).toEqual(Array(10).fill(200));
    expect(served).toBe(false);
    await lease.release();
    expect((await lighting).status).toBe(200);
    expect((await fixture.rebuilds()).map(({ section }) => section)).toEqual(['kitchen', 'lighting']);
  });

  it('are served from a cache that was filled while they waited, although the lock stays taken', async () => {
    const shop = await fixture.shop('with-lock', 1, { LOCK_WAIT_MS: '1500' });
    await fixture.cold();
    await using locks = createLockService({
      url: fixture.backing.redisUrl,
      keyPrefix: `${fixture.backing.redisPrefix}lock:`,
    });
    await using _lease = await locks.acquire('catalog:lighting');
    const answer = read(`${shop.url}/catalog/lighting`);
    // It has found the cache empty once it waits for the lock: then the lock's release is listened for.
    const channels = () => fixture.redis.pubsub('CHANNELS', `*${fixture.backing.redisPrefix}lock:catalog:lighting*`);
    await waitUntil('the reader waits', async () => (await channels()).length > 0);
    await fixture.redis.set('catalogJson:lighting', '1\n"filled meanwhile"', 'PX', 60_000);
    expect(await answer).toMatchObject({ status: 200, body: Buffer.from('"filled meanwhile"') });
  });

  it('get 503 with Retry-After if the lock stays taken for longer than they wait', async () => {
    const shop = await fixture.shop('with-lock', 1, { LOCK_WAIT_MS: '200', CATALOG_QUERY_MS: '0' });
    await fixture.cold();
    await using locks = createLockService({
      url: fixture.backing.redisUrl,
      keyPrefix: `${fixture.backing.redisPrefix}lock:`,
    });
    await using _lease = await locks.acquire('catalog:lighting');
    const answer = await readVersion(`${shop.url}/catalog/lighting`);
    expect(answer).toMatchObject({ status: 503, retryAfter: '1' });
    expect(JSON.parse(answer.body)).toMatchObject({ code: 'CATALOG_BUSY' });
    expect(await fixture.rebuilds()).toEqual([]);
  });
});
