import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { eq } from 'drizzle-orm';
import { connectLockService, type LockService } from '../../../lib/index.js';
import { orderLines, orders, stock } from '../../../sample-app/shop/database/schema.js';
import { ShopFixture } from '../shop-fixture.js';
import { Buyers } from './buyers.js';
import { Chaos } from './chaos.js';
import { ledger } from './ledger.js';
import { Replicas } from './replicas.js';

jest.setTimeout(300_000);

/** How many orders at least. They go on until all incidents were. */
const enoughOrders = Number(process.env.OVERSELL_ORDERS ?? '10000');
const incidents = 9;

/** Of the first four there is far less than the buyers want. */
const pieces = new Map(
  Array.from({ length: 64 }, (_, i) => [`article-${String(i + 1)}`, i < 4 ? 300 : 20_000] as const),
);
const skus = [...pieces.keys()];

describe('orders on four replicas whose lock holders are suspended for longer than their lease, and killed', () => {
  let fixture: ShopFixture;
  let replicas: Replicas;
  let locks: LockService;

  beforeAll(async () => {
    fixture = await ShopFixture.start();
    await fixture.database.insert(stock).values(skus.map((sku) => ({ sku, name: sku, stock: pieces.get(sku)! })));
    replicas = new Replicas(fixture, { LOCK_LEASE_MS: '1000', DATABASE_POOL: '8' });
    await Promise.all([0, 1, 2, 3].map((index) => replicas.start(index)));
    const { redisUrl, redisPrefix } = fixture.backing;
    // It only looks on, beside four replicas that use all of the processor.
    locks = await connectLockService({ url: redisUrl, keyPrefix: `${redisPrefix}lock:`, commandTimeout: 10_000 });
  });
  afterAll(async () => {
    await locks.close();
    await replicas.stop();
    await fixture.stop();
  });

  it('sell no article twice, and neither lose nor repeat an order', async () => {
    const began = performance.now();
    const chaos = new Chaos(
      replicas,
      locks,
      skus.map((sku) => `stock:${sku}`),
    );
    const buyers = new Buyers(replicas.running, (index) => {
      const quantity = 1 + (index % 3);
      // Every fifth wants one of the first four, and every seventh wants something else as well.
      const wanted = [index % 5 === 0 ? (index / 5) % 4 : 4 + (index % 60)];
      if (index % 7 === 0) wanted.push(4 + ((index + 31) % 60));
      return wanted.map((which) => ({ sku: skus[which]!, quantity }));
    });
    let bought = false;
    const staleWrites = (): number => fixture.lines.filter((line) => line.includes('"msg":"order refused')).length;
    // Whether a stopped holder is about to write is a matter of chance.
    const missesStale = (): boolean => staleWrites() === 0 && buyers.begun < enoughOrders + 10_000;
    const more = (): boolean => buyers.begun < enoughOrders || chaos.incidents < incidents || missesStale();
    const buying = buyers.buy(128, more).finally(() => (bought = true));
    const due = (): boolean => buyers.begun > (chaos.incidents * enoughOrders) / incidents;
    await Promise.all([buying, chaos.run(due, () => bought)]);
    const seconds = (performance.now() - began) / 1_000;

    const { purchases } = buyers;
    const placed = purchases.filter(({ end }) => end === 'placed');
    const books = await ledger(fixture.database, pieces);
    const stale = staleWrites();
    console.log(
      `${String(purchases.length)} orders in ${seconds.toFixed(0)} s: ${String(placed.length)} placed, ` +
        `${String(purchases.length - placed.length)} sold out; ${String(stale)} stale writes refused.\n` +
        `${JSON.stringify({ ...chaos.counts, ...buyers.counts })}\n${JSON.stringify(books)}`,
    );

    expect(books).toMatchObject({
      orders: placed.length,
      keys: placed.length,
      wrong: [],
      tokensBack: 0,
      wrongFences: 0,
    });
    // All of the four were wanted more often than they were there.
    expect(books.soldOut).toBe(4);
    expect(Object.keys(books.placedBy)).toHaveLength(4);
    expect(purchases.length).toBeGreaterThanOrEqual(enoughOrders);

    // Every buyer's own memory is what the database says.
    const written = new Map(
      (await fixture.database.select().from(orders)).map((order) => [order.idempotencyKey, order.id]),
    );
    const linesOf = new Map<number, string[]>();
    for (const { orderId, sku, quantity } of await fixture.database.select().from(orderLines)) {
      linesOf.set(orderId, [...(linesOf.get(orderId) ?? []), `${sku} ${String(quantity)}`]);
    }
    const forgotten = purchases.filter(({ key, lines, end, id }) => {
      const known = written.get(key);
      if (end === 'sold-out') return known !== undefined;
      const wanted = lines.map(({ sku, quantity }) => `${sku} ${String(quantity)}`);
      return known !== id || linesOf.get(known)?.sort().join() !== wanted.sort().join();
    });
    expect(forgotten).toEqual([]);

    // It was worth it: holders stood still until others had their locks, and some of them came back to write.
    expect(chaos.counts.stopped).toBeGreaterThanOrEqual(6);
    expect(chaos.counts.killed).toBeGreaterThanOrEqual(3);
    expect(stale).toBeGreaterThan(0);
    expect(buyers.counts.lost).toBeGreaterThan(0);
  });

  it('are checked by a ledger that detects errors', async () => {
    const [sku] = skus;
    const books = async () => ledger(fixture.database, pieces);
    const [made] = await fixture.database
      .insert(orders)
      .values({ customer: 'x', idempotencyKey: 'made-up', replica: 'x' })
      .returning();
    await fixture.database.insert(orderLines).values({ orderId: made!.id, sku: sku!, quantity: 1, token: 1 });
    expect(await books()).toMatchObject({ wrong: [sku], tokensBack: 1 });
    await fixture.database.delete(orders).where(eq(orders.idempotencyKey, 'made-up'));
    expect(await books()).toMatchObject({ wrong: [], tokensBack: 0 });
    await fixture.database.update(stock).set({ fence: 1 }).where(eq(stock.sku, sku!));
    expect(await books()).toMatchObject({ wrongFences: 1 });
  });
});
