import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { priceRefreshes, prices } from '../../sample-app/shop/database/schema.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { waitUntil } from '../support/wait-until.js';
import { read, rename, ShopFixture } from './shop-fixture.js';

describe('a database that fails over', () => {
  let fixture: ShopFixture;
  let proxy: TcpProxy;

  beforeAll(async () => {
    fixture = await ShopFixture.start();
    proxy = await TcpProxy.start(fixture.backing.databaseUrl);
  });
  afterEach(async () => {
    await fixture.stopShops();
  });
  afterAll(async () => {
    await fixture.stop();
    await proxy.close();
  });

  const throughProxy = (): string => {
    const url = new URL(fixture.backing.databaseUrl);
    url.port = String(proxy.port);
    url.hostname = '127.0.0.1';
    return url.href;
  };
  const order = (url: string): Promise<Response> =>
    fetch(`${url}/orders`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'Customer-Token': randomUUID(), 'Idempotency-Key': randomUUID() },
      body: '{"lines":[{"sku":"oak-table","quantity":1}]}',
    });

  it('gives 503 with Retry-After and no readiness while it is read-only, and is used again afterwards', async () => {
    const shop = await fixture.shop('with-lock', 1, { DATABASE_POOL: '3' });
    const { url } = shop.replicas[0]!;
    expect((await order(url)).status).toBe(201);
    await fixture.readOnly(true);
    try {
      await waitUntil('it is not ready', async () => (await read(`${url}/health/ready`)).status === 503);
      for (const answer of [await order(url), await rename(url, 5, '{"name":"Beech"}')]) {
        expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1']);
        expect(await answer.json()).toMatchObject({ code: 'DATABASE_UNAVAILABLE' });
      }
      // Restarting the process would not help.
      expect((await read(`${url}/health/live`)).status).toBe(200);
    } finally {
      await fixture.readOnly(false);
    }
    // The connections of the pool are still read-only: they have to be replaced.
    await waitUntil('it is ready again', async () => (await read(`${url}/health/ready`)).status === 200);
    await waitUntil('it takes orders again', async () => (await order(url)).status === 201);
  });

  it('does not prevent a refresh of prices when it is down for 3 s', async () => {
    await fixture.shop('with-lock', 2, {
      DATABASE_URL: throughProxy(),
      PRICES_CRON: '*/20 * * * * *',
      PRICES_WINDOW_MS: '1000',
      SUPPLIER_MS: '100',
    });
    const refreshes = () => fixture.database.select().from(priceRefreshes);
    await fixture.database.delete(priceRefreshes);
    // From a little before the fire on.
    await sleep(20_000 - ((Date.now() + 500) % 20_000));
    const fire = Math.ceil(Date.now() / 20_000) * 20_000;
    proxy.refuse();
    await sleep(3_500);
    expect(Date.now()).toBeGreaterThan(fire);
    expect(await refreshes()).toEqual([]);
    proxy.accept();
    const done = await waitUntil('the prices are refreshed', async () => {
      const all = await refreshes();
      return all.some(({ ended }) => ended !== null) ? all : undefined;
    });
    expect(done).toHaveLength(1);
    const written = await fixture.database.select().from(prices);
    expect(new Set(written.map(({ fence }) => fence))).toEqual(new Set([done![0]!.token]));
  });

  it('does not prevent a refresh of prices when the connection fails between its statements', async () => {
    await fixture.database.delete(priceRefreshes);
    await fixture.shop('with-lock', 2, {
      DATABASE_URL: throughProxy(),
      PRICES_CRON: '*/20 * * * * *',
      PRICES_WINDOW_MS: '1000',
      SUPPLIER_MS: '400',
    });
    const refreshes = () => fixture.database.select().from(priceRefreshes);
    const begun = (await waitUntil('a refresh begins', async () => (await refreshes())[0], 60_000))!;
    proxy.refuse();
    await sleep(2_500);
    expect((await refreshes())[0]!.ended).toBeNull();
    proxy.accept();
    const done = await waitUntil('it ends', async () => (await refreshes()).find(({ ended }) => ended !== null));
    expect([done!.id, done!.token]).toEqual([begun.id, begun.token]);
  });
});
