import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { orders } from '../../sample-app/shop/database/schema.js';
import { waitUntil } from '../support/wait-until.js';
import { read, ShopFixture } from './shop-fixture.js';

const clients = 8;
const skus = ['oak-table', 'pine-shelf'];

describe('replicas that are stopped gracefully, one after another, under load', () => {
  let fixture: ShopFixture;
  beforeAll(async () => {
    fixture = await ShopFixture.start();
  });
  afterAll(async () => {
    await fixture.stop();
  });

  it('lose no request: every read and every order succeeds, and no order is placed twice', async () => {
    const shop = await fixture.shop('with-lock', 3, { CATALOG_TTL_MS: '300', SHUTDOWN_DELAY_MS: '3000' });
    const outcomes = new Map<string, number>();
    const count = (outcome: string) => outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    let over = false;

    const order = async (sku: string): Promise<void> => {
      const { status } = await fetch(`${shop.url}/orders`, {
        method: 'POST',
        headers: {
          'Content-Type': 'application/json',
          'Customer-Token': randomUUID(),
          'Idempotency-Key': randomUUID(),
        },
        body: JSON.stringify({ lines: [{ sku, quantity: 1 }] }),
      });
      count(`order ${status}`);
    };
    const reason = (error: unknown) =>
      error instanceof Error ? `${error.message} ${error.cause instanceof Error ? error.cause.message : ''}` : 'failed';
    const client = async (number: number): Promise<void> => {
      while (!over) {
        await read(`${shop.url}/catalog`).then(
          ({ status }) => count(`read ${status}`),
          (error: unknown) => count(`read ${reason(error)}`),
        );
        await order(skus[number % skus.length]!).catch((error: unknown) => count(`order ${reason(error)}`));
      }
    };
    const load = Promise.all(Array.from({ length: clients }, (_, number) => client(number)));
    const answered = () => [...outcomes.values()].reduce((sum, n) => sum + n, 0);

    for (const { name } of [...shop.replicas]) {
      const { process } = shop.replicas.find((replica) => replica.name === name)!;
      const before = answered();
      await waitUntil('the load runs', () => answered() > before + 4 * clients);
      process.signal('SIGTERM');
      await process.untilExit();
      const { url } = await shop.startAgain(name);
      await waitUntil('it is ready', async () => (await read(`${url}/health/ready`)).status === 200);
    }
    over = true;
    await load;

    // Sold out is an answer, too.
    const good = new Set(['read 200', 'order 201', 'order 409']);
    expect([...outcomes].filter(([outcome]) => !good.has(outcome))).toEqual([]);
    expect(await fixture.database.select().from(orders)).toHaveLength(outcomes.get('order 201')!);
    expect(outcomes.get('read 200')).toBeGreaterThan(12 * clients);
  });
});
