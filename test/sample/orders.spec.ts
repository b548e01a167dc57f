import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { asc, eq, inArray } from 'drizzle-orm';
import { createLockService } from '../../lib/index.js';
import { orderLines, orders, prices, stock } from '../../sample-app/shop/database/schema.js';
import type { Shop } from '../../sample-app/lab/launch/shop.js';
import { ShopFixture } from './shop-fixture.js';

interface Answer {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly location: string | null;
  readonly body: Record<string, unknown>;
}

describe('an order', () => {
  const sku = 'copper-pan';
  const other = 'oak-table';
  let fixture: ShopFixture;
  let shop: Shop;

  beforeAll(async () => {
    fixture = await ShopFixture.start();
    shop = await fixture.shop('with-lock', 2);
  });
  beforeEach(async () => {
    await fixture.database.delete(orders);
    await fixture.database
      .update(stock)
      .set({ stock: 10 })
      .where(inArray(stock.sku, [sku, other]));
  });
  afterAll(async () => {
    await fixture.stop();
  });

  const me = 'customer-of-this-test';
  const customerHeader = (customer: string | null): Record<string, string> =>
    customer === null ? {} : { 'Customer-Token': customer };
  const of = (article: string, quantity: unknown) => ({ lines: [{ sku: article, quantity }] });
  const order = async (
    body: unknown,
    key: string | null = randomUUID(),
    customer: string | null = me,
  ): Promise<Answer> => {
    const response = await fetch(`${shop.url}/orders`, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        ...customerHeader(customer),
        ...(key === null ? {} : { 'Idempotency-Key': key }),
      },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    const { headers, status } = response;
    const answer = (await response.json()) as Record<string, unknown>;
    return { status, retryAfter: headers.get('retry-after'), location: headers.get('location'), body: answer };
  };
  const readOrder = (location: string, customer: string | null = me) =>
    fetch(shop.url + location, { headers: customerHeader(customer) });
  const placed = () => fixture.database.select().from(orderLines).orderBy(asc(orderLines.orderId), asc(orderLines.sku));
  const left = async (article = sku): Promise<number> => {
    const response = await fetch(`${shop.url}/stock/${article}`);
    return ((await response.json()) as { stock: number }).stock;
  };

  it('takes the stock, and can be read afterwards', async () => {
    const { status, location, body } = await order(of(sku, 3));
    expect(status).toBe(201);
    expect(body).toMatchObject({
      lines: [{ sku, quantity: 3, token: expect.any(Number) }],
      replica: expect.stringMatching(/^replica-[12]$/),
    });
    expect(location).toBe(`/orders/${String(body.id)}`);
    expect(await (await readOrder(location!)).json()).toEqual(body);
    expect(await left()).toBe(7);
    const [row] = await fixture.database.select().from(stock).where(eq(stock.sku, sku));
    expect((await placed()).map(({ token }) => token)).toEqual([row!.fence]);
  });

  it('that is sent again with its key returns the first one, even from both replicas at once', async () => {
    const key = randomUUID();
    const answers = await Promise.all(Array.from({ length: 8 }, () => order(of(sku, 2), key)));
    expect(answers.map(({ status }) => status).sort()).toEqual([...Array<number>(7).fill(200), 201]);
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    expect([await left(), (await placed()).length]).toEqual([8, 1]);
  });

  it('that took the last pieces is returned again although the article is sold out', async () => {
    const key = randomUUID();
    expect((await order(of(sku, 10), key)).status).toBe(201);
    expect((await order(of(sku, 10), key)).status).toBe(200);
    expect((await order(of(sku, 1))).status).toBe(409);
  });

  it.each([
    [{ sku, quantity: 2 }],
    [{ sku: other, quantity: 1 }],
    [
      { sku, quantity: 1 },
      { sku: other, quantity: 1 },
    ],
  ])('under the key of another order is rejected: %j', async (...lines) => {
    const key = randomUUID();
    await order(of(sku, 1), key);
    expect(await order({ lines }, key)).toMatchObject({ status: 422, body: { code: 'KEY_REUSED' } });
    expect(await placed()).toHaveLength(1);
  });

  it('is placed once when two different ones are sent at once under one key', async () => {
    const key = randomUUID();
    const answers = await Promise.all([order(of(sku, 1), key), order(of('oak-table', 1), key)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 422]);
    expect(await placed()).toHaveLength(1);
  });

  it('of several articles takes all of them or none, each under the token of its own lock', async () => {
    const lines = [
      { sku, quantity: 2 },
      { sku: other, quantity: 3 },
    ];
    const { status, body } = await order({ lines });
    expect([status, await left(), await left(other)]).toEqual([201, 8, 7]);
    const rows = await fixture.database
      .select()
      .from(stock)
      .where(inArray(stock.sku, [sku, other]));
    const fences = new Map(rows.map((row) => [row.sku, row.fence]));
    expect(body.lines).toEqual(lines.map((line) => ({ ...line, token: fences.get(line.sku) })));
    const tooMany = await order({ lines: [lines[0], { sku: other, quantity: 8 }] });
    expect(tooMany).toMatchObject({ status: 409, body: { code: 'SOLD_OUT', left: 7 } });
    expect([await left(), await left(other)]).toEqual([8, 7]);
  });

  it('of the same articles in the opposite order cannot deadlock with others', async () => {
    const lines = [sku, other].map((article) => ({ sku: article, quantity: 1 }));
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, index) => order({ lines: index % 2 === 0 ? lines : [...lines].reverse() })),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array<number>(10).fill(201));
    expect([await left(), await left(other)]).toEqual([0, 0]);
  });

  it('belongs to its customer: no other customer can read it, and two customers can use the same key', async () => {
    const key = randomUUID();
    const mine = await order(of(sku, 1), key);
    const stranger = 'another-customer-of-it';
    for (const customer of [stranger, null]) {
      const answer = await readOrder(mine.location!, customer);
      expect([answer.status, await answer.text()]).toEqual([
        customer === null ? 400 : 404,
        expect.not.stringContaining('copper-pan'),
      ]);
    }
    const theirs = await order(of(sku, 2), key, stranger);
    expect([theirs.status, await left()]).toEqual([201, 7]);
    expect((await order(of(sku, 1), key)).body).toEqual(mine.body);
    expect((await readOrder(mine.location!)).headers.get('cache-control')).toBe('no-store');
    // Neither the token nor what is stored for it is in an answer, and the token is not in the database.
    const rows = await fixture.database.select().from(orders);
    expect(rows.map(({ customer }) => [customer, JSON.stringify(mine.body).includes(customer)])).toEqual(
      rows.map(() => [expect.stringMatching(/^[\da-f]{64}$/), false]),
    );
  });

  it('of more than is left is rejected, and the rest can be sold to the last piece', async () => {
    expect(await order(of(sku, 11))).toMatchObject({ status: 409, body: { code: 'SOLD_OUT', left: 10 } });
    const answers = await Promise.all(Array.from({ length: 20 }, () => order(of(sku, 1))));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(10);
    expect(answers.filter(({ body }) => body.code === 'SOLD_OUT')).toHaveLength(10);
    expect(await left()).toBe(0);
    const tokens = (await placed()).map(({ token }) => token);
    expect(tokens).toEqual([...tokens].sort((a, b) => a - b));
    expect(new Set(tokens).size).toBe(10);
  });

  it('that is not valid is rejected with a reason', async () => {
    const answers: Record<string, number> = {};
    for (const body of [
      ...[0, 101, 1.5, '1', undefined].map((quantity) => of(sku, quantity)),
      of('Copper Pan', 1),
      of('a\u0000b', 1),
      { lines: [{ quantity: 1 }] },
      { lines: [{ sku: ['copper-pan'], quantity: 1 }] },
      { lines: [{ sku, quantity: 1, price: 0 }] },
      { lines: [] },
      { lines: [null] },
      {
        lines: [
          { sku, quantity: 1 },
          { sku, quantity: 2 },
        ],
      },
      { lines: Array.from({ length: 21 }, (_, index) => ({ sku: `article-${String(index)}`, quantity: 1 })) },
      { ...of(sku, 1), price: 0 },
      { sku, quantity: 1 },
      [],
      [of(sku, 1)],
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
      expect((await order(of(sku, 1), key)).status).toBe(400);
    }
    for (const customer of [null, 'short', 'has spaces in its name', 'x'.repeat(129)]) {
      expect((await order(of(sku, 1), randomUUID(), customer)).status).toBe(400);
    }
    expect(await placed()).toEqual([]);
  });

  it('of an unknown article gives 404, and leaves nothing in Redis', async () => {
    const keys = await fixture.redis.dbsize();
    expect(await order(of('nothing', 1))).toMatchObject({ status: 404, body: { code: 'UNKNOWN_SKU' } });
    expect(await fixture.redis.dbsize()).toBe(keys);
    for (const path of ['/stock/nothing', '/stock/%00', '/orders/999999', '/orders/x', '/orders/0']) {
      expect([path, (await readOrder(path)).status]).toEqual([path, /x|\/0/.test(path) ? 400 : 404]);
    }
  });

  it('waits for the lock, and gets 503 with Retry-After if that takes too long', async () => {
    await using locks = createLockService({
      url: fixture.backing.redisUrl,
      keyPrefix: `${fixture.backing.redisPrefix}lock:`,
    });
    await using lease = await locks.acquire(`stock:${sku}`);
    const answer = await order(of(sku, 1));
    expect(answer).toMatchObject({
      status: 409,
      retryAfter: expect.stringMatching(/^[1-9]\d*$/),
      body: { code: 'LOCK_BUSY' },
    });
    expect(await placed()).toEqual([]);
    const waiting = order(of(sku, 1));
    await lease.release();
    expect((await waiting).status).toBe(201);
  });

  it('is accepted again after an operator has lowered a stored token that was ahead of the lock', async () => {
    const ahead = 2 ** 52;
    const fences = async (): Promise<[number, number]> => {
      const rows = await fixture.database
        .select()
        .from(stock)
        .where(inArray(stock.sku, [sku, other]));
      const of = (article: string) => rows.find((row) => row.sku === article)!.fence;
      return [of(sku), of(other)];
    };
    expect((await order(of(other, 1))).status).toBe(201);
    await fixture.database.update(stock).set({ fence: ahead }).where(eq(stock.sku, sku));
    await fixture.database.update(prices).set({ fence: ahead }).where(eq(prices.sku, sku));
    expect((await order(of(sku, 1))).body.code).toBe('STALE_LOCK');
    const [, before] = await fences();

    const { backing, programs } = fixture;
    const env = { DATABASE_URL: backing.databaseUrl, REDIS_URL: backing.redisUrl, REDIS_PREFIX: backing.redisPrefix };
    const program = fileURLToPath(new URL('shop/lower-fences.js', programs));
    const { stdout } = await promisify(execFile)(process.execPath, [program], { env: { ...process.env, ...env } });
    const [lowered, untouched] = await fences();
    expect(stdout.trimEnd().split('\n')).toEqual([
      `stock ${sku}: ${String(ahead)} -> ${String(lowered)}`,
      expect.stringMatching(`^prices ${sku}: ${String(ahead)} -> \\d+$`),
      '2 fencing tokens were ahead.',
    ]);
    expect([lowered < ahead, untouched]).toEqual([true, before]);

    const placedNow = await order(of(sku, 1));
    expect(placedNow.status).toBe(201);
    expect((placedNow.body.lines as { token: number }[])[0]!.token).toBeGreaterThan(lowered);
    expect((await placed()).map((line) => line.sku)).toEqual([other, sku]);
  });

  it('is not written under an older token, and gets Retry-After', async () => {
    // As a holder would find it that was stopped for long: somebody else's token is larger already.
    await fixture.database
      .update(stock)
      .set({ fence: 2 ** 52 })
      .where(eq(stock.sku, sku));
    const answer = await order(of(sku, 1));
    expect(answer).toMatchObject({ status: 503, retryAfter: '1', body: { code: 'STALE_LOCK' } });
    await fixture.database.update(stock).set({ fence: 0 }).where(eq(stock.sku, sku));
    expect([await left(), await placed()]).toEqual([10, []]);
    expect((await order(of(sku, 1))).status).toBe(201);
  });
});
