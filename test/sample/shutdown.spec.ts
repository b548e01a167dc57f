import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { asc, sql, type SQL } from 'drizzle-orm';
import { orders, priceRefreshes } from '../../sample-app/shop/database/schema.js';
import { waitUntil } from '../support/wait-until.js';
import { read, ShopFixture } from './shop-fixture.js';

describe('a replica that is stopped', () => {
  let fixture: ShopFixture;
  beforeAll(async () => {
    fixture = await ShopFixture.start();
  });
  afterAll(async () => {
    await fixture.stop();
  });

  const order = async (url: string) => {
    const response = await fetch(`${url}/orders`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'Customer-Token': randomUUID(), 'Idempotency-Key': randomUUID() },
      body: '{"lines":[{"sku":"pine-shelf","quantity":1}]}',
    });
    return { status: response.status, body: (await response.json()) as { id?: number; code?: string } };
  };

  /** How many connections of the replica are so. */
  const connections = async (so: SQL): Promise<number> => {
    const { rows } = await fixture.database.execute<{ count: number }>(
      sql`select count(*)::int as count from pg_stat_activity where application_name = 'replica-1' and ${so}`,
    );
    return rows[0]!.count;
  };

  it('places the running order, rejects the waiting one, and releases the lock', async () => {
    const { replicas } = await fixture.shop('with-lock', 1, { SHUTDOWN_DELAY_MS: '0' });
    const { url, process } = replicas[0]!;
    // Somebody else has the row, so that the order waits in its statement.
    const { first } = await fixture.database.transaction(async (transaction) => {
      await transaction.execute(sql`select from stock where sku = 'pine-shelf' for update`);
      const at = order(url);
      await waitUntil('it is writing', () => connections(sql`wait_event_type = 'Lock'`));
      const behind = order(url);
      await waitUntil('the second one has looked', () =>
        connections(sql`state = 'idle' and query like '%inner join%'`),
      );
      process.signal('SIGTERM');
      expect(await behind).toMatchObject({ status: 503, body: { code: 'LOCK_SHUTDOWN' } });
      return { first: at };
    });
    const placed = await first;
    expect(placed.status).toBe(201);
    await process.untilExit();
    expect((await fixture.database.select().from(orders)).map(({ id }) => id)).toEqual([placed.body.id]);
    expect(await fixture.redis.exists('lock:stock:pine-shelf')).toBe(0);
  });

  it('finishes a running refresh of prices, and begins no other', async () => {
    const { replicas } = await fixture.shop('with-lock', 1, {
      PRICES_CRON: '* * * * * *',
      PRICES_WINDOW_MS: '500',
      SUPPLIER_MS: '700',
      SHUTDOWN_DELAY_MS: '0',
    });
    const refreshes = () => fixture.database.select().from(priceRefreshes).orderBy(asc(priceRefreshes.id));
    await waitUntil('one runs', async () => (await refreshes()).length === 1);
    replicas[0]!.process.signal('SIGTERM');
    await replicas[0]!.process.untilExit();
    expect(await refreshes()).toMatchObject([{ ended: expect.any(Date) }]);
    expect(await fixture.redis.exists('lock:prices:refresh')).toBe(0);
  });

  it('reports that it is not ready while it still serves requests, for the configured time', async () => {
    const { replicas } = await fixture.shop('with-lock', 1, { SHUTDOWN_DELAY_MS: '4000' });
    const { url, process } = replicas[0]!;
    expect((await read(`${url}/health/ready`)).status).toBe(200);
    process.signal('SIGTERM');
    await waitUntil('it says so', async () => (await read(`${url}/health/ready`)).status === 503);
    const { body } = await read(`${url}/health`);
    expect(JSON.parse(body.toString())).toMatchObject({
      status: 'error',
      error: { process: { status: 'down', message: 'is shutting down' } },
    });
    expect((await read(`${url}/health/live`)).status).toBe(200);
    expect((await order(url)).status).toBe(201);
    await process.untilExit();
  });

  it('closes the connection after each response during the shutdown', async () => {
    const { replicas } = await fixture.shop('with-lock', 1, { SHUTDOWN_DELAY_MS: '4000' });
    const { url, process } = replicas[0]!;
    const connection = async (path: string) => (await fetch(`${url}${path}`)).headers.get('connection');
    expect(await connection('/catalog/lighting')).toBe('keep-alive');
    process.signal('SIGTERM');
    await waitUntil('it says so', async () => (await connection('/catalog/lighting')) === 'close');
    expect(await connection('/health/ready')).toBe('close');
    await process.untilExit();
  });

  it('stops without a delay on Ctrl-C', async () => {
    const { replicas } = await fixture.shop('with-lock', 2, { SHUTDOWN_DELAY_MS: '60000' });
    const [first, second] = replicas.map(({ process }) => process);
    first!.signal('SIGINT');
    await first!.untilExit();
    // Also when it is waiting already.
    second!.signal('SIGTERM');
    await waitUntil('it waits', async () => (await read(`${replicas[1]!.url}/health/ready`)).status === 503);
    second!.signal('SIGINT');
    await second!.untilExit();
  });

  it('logs once that it is no longer ready, even if it is checked often', async () => {
    const { replicas } = await fixture.shop('with-lock', 1, { SHUTDOWN_DELAY_MS: '4000' });
    const { url, process } = replicas[0]!;
    fixture.lines.length = 0;
    process.signal('SIGTERM');
    await waitUntil('it says so', async () => (await read(`${url}/health/ready`)).status === 503);
    for (let i = 0; i < 5; i += 1) await read(`${url}/health/ready`);
    await process.untilExit();
    const warnings = fixture.lines.filter((line) => /"level":"(warn|error)"/.test(line));
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain('not ready: process is shutting down');
  });
});
