import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eq, sql } from 'drizzle-orm';
import { stock } from '../../sample-app/shop/database/schema.js';
import { createLockService } from '../../lib/index.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { waitUntil } from '../support/wait-until.js';
import { read, ShopFixture } from './shop-fixture.js';

interface Line {
  readonly level: string;
  readonly time: string;
  readonly replica: string;
  readonly msg: string;
  readonly [key: string]: unknown;
}

describe('the log of a replica', () => {
  let fixture: ShopFixture;

  beforeAll(async () => {
    fixture = await ShopFixture.start();
  });
  afterAll(async () => {
    await fixture.stop();
  });

  const linesOf = (replica: string): Line[] =>
    fixture.lines
      .filter((line) => line.startsWith(`${replica}: `))
      .map((line) => JSON.parse(line.slice(replica.length + 2)) as Line);
  const order = (url: string, headers: Record<string, string> = {}) =>
    fetch(`${url}/orders`, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        'Idempotency-Key': 'key-of-an-order',
        'Customer-Token': 'token-of-a-customer',
        ...headers,
      },
      body: '{"lines":[{"sku":"oak-table","quantity":1}]}',
    });

  it('is JSON, with failed requests and lost locks, but without every reader and without secrets', async () => {
    const { replicas } = await fixture.shop('with-lock', 1, { CATALOG_QUERY_MS: '1200' });
    const { url } = replicas[0]!;
    for (let i = 0; i < 3; i += 1) await read(`${url}/catalog/lighting`);
    await fixture.database
      .update(stock)
      .set({ fence: 2 ** 52 })
      .where(eq(stock.sku, 'oak-table'));
    const refused = await order(url, { 'X-Request-Id': 'from-the-proxy.1', Authorization: 'Bearer hidden-secret' });
    await fixture.database.update(stock).set({ fence: 0 }).where(eq(stock.sku, 'oak-table'));
    expect([refused.status, refused.headers.get('x-request-id')]).toEqual([503, 'from-the-proxy.1']);

    // Somebody forces the lock of a rebuild open.
    await using locks = createLockService({
      url: fixture.backing.redisUrl,
      keyPrefix: `${fixture.backing.redisPrefix}lock:`,
    });
    await fixture.cold();
    const reading = read(`${url}/catalog/kitchen`);
    await fixture.untilQuerying();
    await locks.forceRelease('catalog:kitchen');
    await reading;
    await waitUntil('it was noticed', () => linesOf('replica-1').some(({ lock }) => lock === 'catalog:kitchen'));

    const lines = linesOf('replica-1');
    for (const line of lines) {
      expect(line).toMatchObject({ level: expect.any(String), replica: 'replica-1', msg: expect.any(String) });
      expect(new Date(line.time).getTime()).toBeGreaterThan(Date.now() - 600_000);
    }
    const requests = lines.filter((line) => 'url' in line);
    expect(requests.every(({ level }) => level === 'warn')).toBe(true);
    expect(requests.find((line) => line.url === '/orders')).toMatchObject({
      msg: 'failed',
      method: 'POST',
      status: 503,
      ms: expect.any(Number),
      reqId: 'from-the-proxy.1',
    });
    // The first reader waited for the slow query, and is worth a line; the two after it are not.
    expect(requests.filter((line) => line.url === '/catalog/lighting')).toHaveLength(1);
    const stale = lines.filter(({ msg }) => msg.startsWith('order refused'));
    expect(stale).toHaveLength(2);
    for (const line of stale) {
      expect(line).toMatchObject({ level: 'warn', lines: [{ sku: 'oak-table' }], reqId: 'from-the-proxy.1' });
    }
    for (const secret of ['hidden-secret', 'token-of-a-customer', new URL(fixture.backing.databaseUrl).password]) {
      expect(fixture.lines.filter((line) => secret !== '' && line.includes(secret))).toEqual([]);
    }
  });

  it('has failed queries, but not their values', async () => {
    fixture.lines.length = 0;
    const { replicas } = await fixture.shop('with-lock', 1);
    await fixture.database.execute(sql`alter table orders rename to orders_elsewhere`);
    const failed = await order(replicas[0]!.url);
    await fixture.database.execute(sql`alter table orders_elsewhere rename to orders`);
    expect(failed.status).toBe(500);
    const withError = () => linesOf('replica-1').find((line) => 'err' in line);
    await waitUntil('it is written', () => withError() !== undefined);
    expect(withError()).toMatchObject({
      level: 'error',
      msg: expect.stringContaining('Failed query: select'),
      err: {
        type: 'DrizzleQueryError',
        message: expect.stringContaining('relation "orders" does not exist'),
        stack: expect.stringMatching(/\n {4}at /),
      },
    });
    expect(fixture.lines.filter((line) => line.includes('key-of-an-order'))).toEqual([]);
  });

  it('is JSON even while Redis is down, with one line when it is lost and one when it is back', async () => {
    fixture.lines.length = 0;
    await using redis = await TcpProxy.start(fixture.backing.redisUrl);
    const { replicas } = await fixture.shop('with-lock', 1, { REDIS_URL: redis.url });
    const { url } = replicas[0]!;
    redis.refuse();
    const outages = () =>
      linesOf('replica-1')
        .filter(({ msg }) => /^(no connection to Redis|connected to Redis again)/.test(msg))
        .map(({ level }) => level);
    await waitUntil('it notices', () => outages().length > 0);
    for (let i = 0; i < 10; i += 1) await read(`${url}/health/ready`);
    expect((await read(`${url}/health/ready`)).status).toBe(503);
    redis.accept();
    await waitUntil('it is ready again', async () => (await read(`${url}/health/ready`)).status === 200);
    await waitUntil('it says so', () => outages().length > 1);
    expect(outages()).toEqual(['warn', 'info']);
    // Every line is parsed here.
    expect(linesOf('replica-1').every(({ replica }) => replica === 'replica-1')).toBe(true);
    await fixture.stopShops();
  });

  it('has an id for every request at level debug, and generates one if the given one is not valid', async () => {
    fixture.lines.length = 0;
    const { replicas } = await fixture.shop('with-lock', 1, { LOG_LEVEL: 'debug' });
    const { url } = replicas[0]!;
    const odd = await fetch(`${url}/stock/oak-table?of=somebody`, { headers: { 'X-Request-Id': 'a b"c' } });
    const placed = await order(url);
    expect(placed.status).toBe(201);
    const ids = [odd, placed].map(({ headers }) => headers.get('x-request-id'));
    for (const id of ids) expect(id).toMatch(/^[\da-f-]{36}$/);
    // The proxy asks whether it lives, and whether it is ready.
    const isCheck = (url: unknown) => String(url).startsWith('/health/');
    const ours = () => linesOf('replica-1').filter((line) => 'url' in line && !isCheck(line.url));
    await waitUntil('both are written', () => ours().length === 2);
    const answered = ours().filter(({ msg }) => msg === 'answered');
    expect(answered.map(({ level, url: path, status, reqId }) => ({ level, path, status, reqId }))).toEqual([
      { level: 'debug', path: '/stock/oak-table', status: 200, reqId: ids[0] },
      { level: 'debug', path: '/orders', status: 201, reqId: ids[1] },
    ]);
    expect(linesOf('replica-1').find(({ msg }) => msg === 'order placed')).toMatchObject({ reqId: ids[1] });
  });
});
