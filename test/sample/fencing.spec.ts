import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { eq } from 'drizzle-orm';
import { readConfig } from '../../sample-app/src/config.js';
import { openDatabase, type OpenDatabase } from '../../sample-app/src/database/database.js';
import { prices } from '../../sample-app/src/database/schema.js';
import { seed } from '../../sample-app/src/database/seed.js';
import { OrderRepository } from '../../sample-app/src/orders/order.repository.js';
import { PriceRepository } from '../../sample-app/src/prices/price.repository.js';
import { startBacking, type Backing } from '../../sample-app/start/backing.js';

const sku = 'oak-table';
const token = 1_768_000_000_000_001;

let backing: Backing;
let opened: OpenDatabase;
let orders: OrderRepository;
let priceList: PriceRepository;

beforeAll(async () => {
  backing = await startBacking();
  opened = openDatabase(backing.databaseUrl, 2);
  await seed(opened.database);
  const config = readConfig({ REDIS_URL: backing.redisUrl, DATABASE_URL: backing.databaseUrl, REPLICA: 'fencing' });
  orders = new OrderRepository(opened.database, config);
  priceList = new PriceRepository(opened.database, config);
}, 60_000);
afterAll(async () => {
  await opened.close();
  await backing.stop();
});

it('two orders under one lock are both written, and one under an earlier lock is not', async () => {
  expect(await orders.write({ sku, quantity: 1 }, 'first', token)).toMatchObject({ token });
  expect(await orders.write({ sku, quantity: 1 }, 'second', token)).toMatchObject({ token });
  expect(await orders.write({ sku, quantity: 1 }, 'late', token - 1)).toBeUndefined();
  expect(await orders.write({ sku, quantity: 1 }, 'next', token + 1)).toMatchObject({ token: token + 1 });
});

it('prices are written twice under one lock, and not under an earlier one', async () => {
  const refresh = (await priceList.begin(new Date(), token))!;
  const offer = (cents: number) => [{ sku, cents }];
  expect(await priceList.write(refresh, offer(1_001), token)).toBe(1);
  expect(await priceList.write(refresh, offer(1_002), token)).toBe(1);
  expect(await priceList.write(refresh, offer(1_003), token - 1)).toBe(0);
  const [row] = await opened.database.select().from(prices).where(eq(prices.sku, sku));
  expect(row).toMatchObject({ cents: 1_002, fence: token });
});
