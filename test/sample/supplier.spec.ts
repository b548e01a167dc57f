import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { asc } from 'drizzle-orm';
import type { Shop } from '../../sample-app/lab/launch/shop.js';
import type { SupplierStatistics } from '../../sample-app/lab/supplier/statistics.js';
import { ServerProcess } from '../../sample-app/services/server-process.js';
import { priceRefreshes } from '../../sample-app/shop/database/schema.js';
import { seedStock } from '../../sample-app/shop/database/seed.js';
import { waitUntil } from '../support/wait-until.js';
import { ShopFixture } from './shop-fixture.js';

jest.setTimeout(120_000);

const skus = seedStock().map(({ sku }) => sku);

describe('the supplier, which allows three requests at a time', () => {
  let fixture: ShopFixture;

  beforeAll(async () => {
    fixture = await ShopFixture.start();
  });
  afterEach(() => fixture.stopShops());
  afterAll(async () => {
    await fixture.stop();
  });

  /** What the supplier itself has counted. */
  const statistics = async ({ supplier }: Shop) =>
    (await (await fetch(`${supplier.url}/statistics`)).json()) as SupplierStatistics;
  const running = (shop: Shop, count: number) =>
    waitUntil(
      `${count} requests are under way at the supplier`,
      async () => (await statistics(shop)).running === count,
    );
  /** Asks for offers, all at once. */
  const offers = (url: string, count: number) =>
    Promise.all(
      Array.from({ length: count }, async (_, index) => {
        const sku = skus[index % skus.length]!;
        const response = await fetch(`${url}/prices/${sku}/offer`);
        const body = (await response.json()) as { sku?: string; cents?: number; code?: string };
        return { ...body, asked: sku, status: response.status, headers: response.headers };
      }),
    );
  const refreshes = () => fixture.database.select().from(priceRefreshes).orderBy(asc(priceRefreshes.id));

  it('gets three requests at once, and never more, from three replicas under load that also refresh all prices', async () => {
    const shop = await fixture.shop('with-lock', 3, {
      PRICES_CRON: '* * * * * *',
      PRICES_WINDOW_MS: '500',
      SUPPLIER_MS: '30',
      LOCK_WAIT_MS: '60000',
    });
    const answers = [...(await offers(shop.url, 100)), ...(await offers(shop.url, 100))];
    for (const { status, sku, asked, cents } of answers) {
      expect([status, sku, cents]).toEqual([200, asked, expect.any(Number)]);
    }
    const replicas = new Set(answers.map(({ headers }) => headers.get('x-replica')));
    expect([...replicas].sort()).toEqual(['replica-1', 'replica-2', 'replica-3']);
    await waitUntil('the prices are refreshed', async () => (await refreshes()).some(({ ended }) => ended !== null));

    const { most, answered } = await statistics(shop);
    expect(most).toBe(3);
    expect(answered).toBeGreaterThanOrEqual(200 + skus.length);
    // It would have seen more.
    await Promise.all(skus.map((sku) => fetch(`${shop.supplier.url}/offers/${sku}`)));
    expect((await statistics(shop)).most).toBeGreaterThan(3);
  });

  it('gets three requests at once again after the replica that had all permits was killed', async () => {
    const shop = await fixture.shop('with-lock', 2, { SUPPLIER_MS: '1000', LOCK_LEASE_MS: '1500' });
    const [first, second] = shop.replicas;
    const cut = offers(first!.url, 3).catch(() => 'cut off');
    await running(shop, 3);
    first!.process.signal('SIGKILL');
    expect(await cut).toBe('cut off');
    await running(shop, 0);

    const later = offers(second!.url, 6);
    await running(shop, 3);
    expect((await later).map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 200]);
    expect(await statistics(shop)).toEqual({ running: 0, most: 3, answered: 6 });
  });

  it('is not asked by callers that got no permit in time: they are told to try again', async () => {
    const shop = await fixture.shop('with-lock', 2, { SUPPLIER_MS: '2000', LOCK_WAIT_MS: '200' });
    const taking = offers(shop.url, 3);
    await running(shop, 3);
    const [late] = await offers(shop.url, 1);
    expect([late!.status, late!.code, late!.headers.get('retry-after')]).toEqual([
      409,
      'LOCK_BUSY',
      expect.any(String),
    ]);
    expect((await taking).map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(await statistics(shop)).toEqual({ running: 0, most: 3, answered: 3 });
  });

  it('is not asked for articles that the shop does not sell', async () => {
    const shop = await fixture.shop('with-lock', 1);
    for (const sku of ['nothing', 'OAK', '%00', '..%2Fstatistics']) {
      const response = await fetch(`${shop.url}/prices/${sku}/offer`);
      expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([404, 'UNKNOWN_SKU']);
    }
    expect((await statistics(shop)).answered).toBe(0);
  });

  it('may be unavailable: a customer is told to try again, and a refresh of prices tries again by itself', async () => {
    await fixture.database.delete(priceRefreshes);
    const shop = await fixture.shop('with-lock', 2, { PRICES_CRON: '* * * * * *', PRICES_WINDOW_MS: '500' });
    shop.supplier.process.signal('SIGKILL');
    await shop.supplier.process.untilExit();
    const [answer] = await offers(shop.url, 1);
    expect([answer!.status, answer!.code]).toEqual([503, 'SUPPLIER_UNAVAILABLE']);
    expect(answer!.headers.get('retry-after')).toBe('1');

    const waiting = await waitUntil('a refresh waits for it', async () => {
      const last = (await refreshes()).at(-1);
      return last?.ended === null ? last : undefined;
    });
    const { hostname, port } = new URL(shop.supplier.url);
    const again = await ServerProcess.start({
      name: 'supplier',
      command: process.execPath,
      args: [fileURLToPath(new URL('lab/supplier/main.js', fixture.programs))],
      env: { ...process.env, HOST: hostname, PORT: port },
      ready: 'ipc',
    });
    await waitUntil('it ends', async () => (await refreshes()).find(({ id }) => id === waiting!.id)!.ended !== null);
    await fixture.stopShops();
    await again.stop();
  });
});
