import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { asc, eq } from 'drizzle-orm';
import { createLockService } from '../../lib/index.js';
import { orders, stock, type Order } from '../../sample-app/src/database/schema.js';
import type { Shop } from '../../sample-app/start/shop.js';
import { ShopFixture } from './shop-fixture.js';

interface Answer {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly location: string | null;
  readonly body: Record<string, unknown>;
}

describe('an order', () => {
  const sku = 'copper-pan';
  let fixture: ShopFixture;
  let shop: Shop;

  beforeAll(async () => {
    fixture = await ShopFixture.start();
    shop = await fixture.shop('with-lock', 2);
  });
  beforeEach(async () => {
    await fixture.database.delete(orders);
    await fixture.database.update(stock).set({ stock: 10 }).where(eq(stock.sku, sku));
  });
  afterAll(async () => {
    await fixture.stop();
  });

  const order = async (body: unknown, key: string | null = randomUUID()): Promise<Answer> => {
    const response = await fetch(`${shop.url}/orders`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...(key === null ? {} : { 'Idempotency-Key': key }) },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    const { headers, status } = response;
    const answer = (await response.json()) as Record<string, unknown>;
    return { status, retryAfter: headers.get('retry-after'), location: headers.get('location'), body: answer };
  };
  const placed = (): Promise<Order[]> => fixture.database.select().from(orders).orderBy(asc(orders.id));
  const left = async (): Promise<number> => {
    const response = await fetch(`${shop.url}/stock/${sku}`);
    return ((await response.json()) as { stock: number }).stock;
  };

  it('takes the stock, and can be read afterwards', async () => {
    const { status, location, body } = await order({ sku, quantity: 3 });
    expect(status).toBe(201);
    expect(body).toMatchObject({ sku, quantity: 3, replica: expect.stringMatching(/^replica-[12]$/) });
    expect(location).toBe(`/orders/${String(body.id)}`);
    expect(await (await fetch(shop.url + location!)).json()).toEqual(body);
    expect(await left()).toBe(7);
    const [row] = await fixture.database.select().from(stock).where(eq(stock.sku, sku));
    expect([body.token, (await placed()).length]).toEqual([row!.fence, 1]);
  });

  it('that is sent again with its key is answered with the first one, also by both replicas at once', async () => {
    const key = randomUUID();
    const answers = await Promise.all(Array.from({ length: 8 }, () => order({ sku, quantity: 2 }, key)));
    expect(answers.map(({ status }) => status).sort()).toEqual([...Array<number>(7).fill(200), 201]);
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    expect([await left(), (await placed()).length]).toEqual([8, 1]);
  });

  it('that took the last ones is answered again although the article is sold out', async () => {
    const key = randomUUID();
    expect((await order({ sku, quantity: 10 }, key)).status).toBe(201);
    expect((await order({ sku, quantity: 10 }, key)).status).toBe(200);
    expect((await order({ sku, quantity: 1 })).status).toBe(409);
  });

  it.each([
    { sku, quantity: 2 },
    { sku: 'oak-table', quantity: 1 },
  ])('under the key of another order is refused: %j', async (other) => {
    const key = randomUUID();
    await order({ sku, quantity: 1 }, key);
    expect(await order(other, key)).toMatchObject({ status: 422, body: { code: 'KEY_REUSED' } });
    expect(await placed()).toHaveLength(1);
  });

  it('gets one of two articles when it is sent for both at once under one key', async () => {
    const key = randomUUID();
    const answers = await Promise.all([
      order({ sku, quantity: 1 }, key),
      order({ sku: 'oak-table', quantity: 1 }, key),
    ]);
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 422]);
    expect(await placed()).toHaveLength(1);
  });

  it('of more than is left is refused, and the rest is sold to the last piece', async () => {
    expect(await order({ sku, quantity: 11 })).toMatchObject({ status: 409, body: { code: 'SOLD_OUT', left: 10 } });
    const answers = await Promise.all(Array.from({ length: 20 }, () => order({ sku, quantity: 1 })));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(10);
    expect(answers.filter(({ body }) => body.code === 'SOLD_OUT')).toHaveLength(10);
    expect(await left()).toBe(0);
    const tokens = (await placed()).map(({ token }) => token);
    expect(tokens).toEqual([...tokens].sort((a, b) => a - b));
    expect(new Set(tokens).size).toBe(10);
  });

  it('is refused with a reason when it makes no sense', async () => {
    const answers: Record<string, number> = {};
    for (const body of [
      { sku, quantity: 0 },
      { sku, quantity: 101 },
      { sku, quantity: 1.5 },
      { sku, quantity: '1' },
      { sku },
      { quantity: 1 },
      { sku: 'Copper Pan', quantity: 1 },
      { sku: 'a\u0000b', quantity: 1 },
      { sku: ['copper-pan'], quantity: 1 },
      { sku, quantity: 1, price: 0 },
      [],
      [{ sku, quantity: 1 }],
      '"text"',
      '{',
      '',
    ]) {
      const answer = await order(body);
      expect(answer.body.message).not.toHaveLength(0);
      answers[JSON.stringify(body)] = answer.status;
    }
    expect(new Set(Object.entries(answers).filter(([, status]) => status !== 400))).toEqual(new Set());
    for (const key of [null, 'short', 'has spaces in it', 'x'.repeat(65)]) {
      expect((await order({ sku, quantity: 1 }, key)).status).toBe(400);
    }
    expect(await placed()).toEqual([]);
  });

  it('of something unknown is 404, and leaves nothing in Redis', async () => {
    const keys = await fixture.redis.dbsize();
    expect(await order({ sku: 'nothing', quantity: 1 })).toMatchObject({ status: 404, body: { code: 'UNKNOWN_SKU' } });
    expect(await fixture.redis.dbsize()).toBe(keys);
    for (const path of ['/stock/nothing', '/stock/%00', '/orders/999999', '/orders/x', '/orders/0']) {
      expect([path, (await fetch(shop.url + path)).status]).toEqual([path, /x|\/0/.test(path) ? 400 : 404]);
    }
  });

  it('waits its turn, and is told to try again when that takes too long', async () => {
    await using locks = createLockService({
      url: fixture.backing.redisUrl,
      keyPrefix: `${fixture.backing.redisPrefix}lock:`,
    });
    await using lease = await locks.acquire(`stock:${sku}`);
    const answer = await order({ sku, quantity: 1 });
    expect(answer).toMatchObject({ status: 409, body: { code: 'LOCK_BUSY' } });
    expect(await placed()).toEqual([]);
    const waiting = order({ sku, quantity: 1 });
    await lease.release();
    expect((await waiting).status).toBe(201);
  });

  it('is not written under a token that is not the newest, and says when to try again', async () => {
    // As a holder would find it that was stopped for long: somebody else's token is larger already.
    await fixture.database
      .update(stock)
      .set({ fence: 2 ** 52 })
      .where(eq(stock.sku, sku));
    const answer = await order({ sku, quantity: 1 });
    expect(answer).toMatchObject({ status: 503, retryAfter: '1', body: { code: 'STALE_LOCK' } });
    await fixture.database.update(stock).set({ fence: 0 }).where(eq(stock.sku, sku));
    expect([await left(), await placed()]).toEqual([10, []]);
    expect((await order({ sku, quantity: 1 })).status).toBe(201);
  });
});
