import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { eq, inArray } from 'drizzle-orm';
import { readConfig, type ShopConfig } from '../../sample-app/shop/config/config.js';
import { openDatabase, type OpenDatabase } from '../../sample-app/shop/database/database.js';
import { orderLines, prices, stock } from '../../sample-app/shop/database/schema.js';
import { seed } from '../../sample-app/shop/database/seed.js';
import { OrderRepository } from '../../sample-app/shop/orders/order.repository.js';
import { PriceRepository } from '../../sample-app/shop/prices/price.repository.js';
import { startBacking, type Backing } from '../../sample-app/lab/launch/backing.js';

const sku = 'oak-table';
const token = 1_768_000_000_000_001;

let backing: Backing;
let opened: OpenDatabase;
let orders: OrderRepository;
let config: ShopConfig;
let priceList: PriceRepository;

beforeAll(async () => {
  backing = await startBacking();
  opened = openDatabase(backing.databaseUrl, 2);
  await seed(opened.database);
  config = readConfig({ REDIS_URL: backing.redisUrl, DATABASE_URL: backing.databaseUrl, REPLICA: 'fencing' });
  orders = new OrderRepository(opened.database, config);
  priceList = new PriceRepository(opened.database, config);
}, 60_000);
afterAll(async () => {
  await opened.close();
  await backing.stop();
});

it('two orders under one lock are both written, and one under an earlier lock is not', async () => {
  const write = (key: string, under: number) =>
    orders.write([{ sku, quantity: 1, token: under }], { customer: 'somebody', key });
  expect(await write('first', token)).toMatchObject({ lines: [{ token }] });
  expect(await write('second', token)).toMatchObject({ lines: [{ token }] });
  expect(await write('late', token - 1)).toBeUndefined();
  expect(await write('next', token + 1)).toMatchObject({ lines: [{ token: token + 1 }] });
});

it('concurrent orders of several articles without a lock are each written completely or not at all', async () => {
  // As processes would that all believe in a lock they have lost: only the statement is between them.
  const skus = ['copper-pan', 'glass-vase', 'rattan-basket'];
  await opened.database.update(stock).set({ stock: 10 }).where(inArray(stock.sku, skus));
  const many = openDatabase(backing.databaseUrl, 8);
  const repository = new OrderRepository(many.database, config);
  const written = await Promise.all(
    Array.from({ length: 24 }, (_, index) => {
      const first = index % 3;
      const lines = [first, (first + 1) % 3].map((at) => ({ sku: skus[at]!, quantity: 1 + (index % 2), token }));
      return repository.write(lines, { customer: 'somebody', key: `at-once-${String(index)}` });
    }),
  );
  await many.close();
  const sold = new Map(skus.map((each) => [each, 0]));
  for (const { sku: each, quantity } of written.flatMap((order) => order?.lines ?? [])) {
    sold.set(each, sold.get(each)! + quantity);
  }
  const left = await opened.database.select().from(stock).where(inArray(stock.sku, skus));
  for (const row of left) expect([row.sku, row.stock]).toEqual([row.sku, 10 - sold.get(row.sku)!]);
  // Some did not fit any more, and nothing of those was taken.
  expect(written.filter((order) => order === undefined).length).toBeGreaterThan(0);
  const lines = await opened.database.select().from(orderLines).where(inArray(orderLines.sku, skus));
  expect(lines).toHaveLength(2 * written.filter((order) => order !== undefined).length);
});

it('an order under the newest token of one article and an older one of another changes nothing', async () => {
  const [one, two] = ['steel-lamp', 'linen-curtain'];
  const lines = (older: number) => [
    { sku: two, quantity: 1, token: token - older },
    { sku: one, quantity: 1, token },
  ];
  expect(await orders.write(lines(0), { customer: 'somebody', key: 'both-new' })).toBeDefined();
  expect(await orders.write(lines(1), { customer: 'somebody', key: 'one-old' })).toBeUndefined();
  const rows = await opened.database
    .select()
    .from(stock)
    .where(inArray(stock.sku, [one, two]));
  expect(rows.map(({ stock: left }) => left)).toEqual([4_999, 4_999]);
});

it('prices are written twice under one lock, and not under an earlier one', async () => {
  const refresh = await priceList.begin(randomUUID(), token);
  const offer = (cents: number) => [{ sku, cents }];
  expect(await priceList.write(refresh, offer(1_001), token)).toBe(1);
  expect(await priceList.write(refresh, offer(1_002), token)).toBe(1);
  expect(await priceList.write(refresh, offer(1_003), token - 1)).toBe(0);
  const [row] = await opened.database.select().from(prices).where(eq(prices.sku, sku));
  expect(row).toMatchObject({ cents: 1_002, fence: token });
});
