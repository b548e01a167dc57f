import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { waitUntil } from '../support/wait-until.js';
import { read, readMany, ShopFixture } from './shop-fixture.js';

describe('the metrics of the shop', () => {
  let fixture: ShopFixture;

  beforeAll(async () => {
    fixture = await ShopFixture.start();
  });
  afterAll(async () => {
    await fixture.stopShops();
    await fixture.stop();
  });

  it('show a stampede: one replica holds the lock of the catalog while readers of all replicas wait', async () => {
    const { url, replicas } = await fixture.shop('with-lock', 3, { CATALOG_QUERY_MS: '1500' });
    /** One metric, as the sum of all replicas. */
    const sum = async (metric: string): Promise<number> => {
      const scrapes = await Promise.all(replicas.map((replica) => read(`${replica.url}/metrics`)));
      const samples = scrapes.map(({ status, body }) => {
        expect(status).toBe(200);
        const line = body
          .toString()
          .split('\n')
          .find((each) => each.startsWith(`${metric} `));
        return line === undefined ? 0 : Number(line.split(' ').at(-1));
      });
      return samples.reduce((total, each) => total + each, 0);
    };
    const isIdle = async (): Promise<boolean> =>
      (await sum('redis_lock_held')) === 1 && (await sum('redis_lock_waiting')) === 2;
    await waitUntil('one replica relays orders, and two wait to do so', isIdle);
    await fixture.cold();
    const answers = readMany(`${url}/catalog`, 60);
    await waitUntil('one caller holds the lock, and others wait', async () => {
      return (await sum('redis_lock_held')) === 2 && (await sum('redis_lock_waiting')) >= 4;
    });
    for (const { status } of await answers) expect(status).toBe(200);
    expect(await fixture.rebuilds()).toHaveLength(1);

    const series = (outcome: string): string => `{template="catalog:<0>",mode="exclusive",outcome="${outcome}"}`;
    const held = await sum(`redis_lock_hold_duration_seconds_count${series('released')}`);
    expect(held).toBeGreaterThanOrEqual(3);
    expect(await sum(`redis_lock_wait_duration_seconds_count${series('acquired')}`)).toBe(held);
    // The other replicas waited for the rebuild.
    expect(await sum(`redis_lock_wait_duration_seconds_sum${series('acquired')}`)).toBeGreaterThan(1);
    await waitUntil('all locks of the catalog are released', isIdle);
  });
});
