import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { asc, gt } from 'drizzle-orm';
import { priceRefreshes, prices } from '../../sample-app/shop/database/schema.js';
import { readPriceSettings } from '../../sample-app/shop/prices/price-settings.js';
import type { Shop } from '../../sample-app/lab/launch/shop.js';
import { waitUntil } from '../support/wait-until.js';
import { ShopFixture } from './shop-fixture.js';

const periodMs = 2_000;

describe('the refresh of prices, which fires on four replicas', () => {
  let fixture: ShopFixture;
  let shop: Shop;

  beforeAll(async () => {
    fixture = await ShopFixture.start();
    shop = await fixture.shop('with-lock', 4, {
      PRICES_CRON: '*/2 * * * * *',
      PRICES_WINDOW_MS: '1000',
      // Twelve articles, three at a time.
      SUPPLIER_MS: '150',
      LOCK_LEASE_MS: '1200',
      LOG_LEVEL: 'debug',
    });
  });
  afterAll(async () => {
    await fixture.stop();
  });

  const refreshes = (after = 0) =>
    fixture.database.select().from(priceRefreshes).where(gt(priceRefreshes.id, after)).orderBy(asc(priceRefreshes.id));
  const lastId = async () => (await refreshes()).at(-1)?.id ?? 0;
  /** Lines of the log about the refresh, by what they say. */
  const said = (what: string) => fixture.lines.filter((line) => line.includes(what));
  const processOf = (replica: string) => shop.replicas.find(({ name }) => name === replica)!.process;
  const found = async <T>(what: string, ask: () => Promise<T | undefined>): Promise<T> => (await waitUntil(what, ask))!;
  /** Waits until a refresh is under way. */
  const untilOneRuns = async () => {
    const before = await lastId();
    return found('a refresh begins', async () => (await refreshes(before)).find(({ ended }) => ended === null));
  };
  const fences = async () => new Set((await fixture.database.select().from(prices)).map(({ fence }) => fence));

  it('runs once per fire, on one of them, and the others skip it', async () => {
    const first = await untilOneRuns();
    const linesBefore = fixture.lines.length;
    const done = await found('three more are done', async () => {
      const later = (await refreshes(first.id)).filter(({ ended }) => ended !== null);
      return later.length >= 3 ? later : undefined;
    });
    const due = [first, ...done].map(({ started }) => Math.round(started.getTime() / periodMs));
    expect(due).toEqual(due.map((_, index) => due[0]! + index));
    const others = () => fixture.lines.slice(linesBefore).filter((line) => line.includes('"reason":"ran"'));
    await waitUntil('the others have skipped it', () => others().length >= 3 * done.length);

    const listed = (await (await fetch(`${shop.url}/prices`)).json()) as { sku: string; cents: number }[];
    expect(listed).toHaveLength(12);
    for (const { cents } of listed) expect(cents).toBeGreaterThanOrEqual(1_000);
    const tokens = done.map(({ token }) => token);
    expect(tokens).toEqual([...tokens].sort((a, b) => a - b));
  });

  it('runs on another replica after the first was suspended, whose late prices are not written', async () => {
    const stopped = await untilOneRuns();
    processOf(stopped.replica).signal('SIGSTOP');
    const later = await found('another one refreshes', async () =>
      (await refreshes(stopped.id)).find(({ ended }) => ended !== null),
    );
    expect(later.replica).not.toBe(stopped.replica);
    expect(later.token).toBeGreaterThan(stopped.token);
    processOf(stopped.replica).signal('SIGCONT');
    await waitUntil('it noticed', () => said('lock lost').some((line) => line.includes(`"token":${stopped.token},`)));
    expect(Math.min(...(await fences()))).toBeGreaterThan(stopped.token);
    expect((await refreshes(stopped.id - 1))[0]).toMatchObject({ id: stopped.id, ended: null });
  });

  it('is taken over if the replica that runs it is killed', async () => {
    const killed = await untilOneRuns();
    processOf(killed.replica).signal('SIGKILL');
    const later = await found('another one refreshes', async () =>
      (await refreshes(killed.id)).find(({ ended }) => ended !== null),
    );
    expect(later.replica).not.toBe(killed.replica);
    expect(later.token).toBeGreaterThan(killed.token);
    expect((await refreshes(killed.id - 1))[0]).toMatchObject({ id: killed.id, ended: null });
  });
});

describe('the settings of the refresh', () => {
  it('are three in the morning, a window of ten minutes, and ten minutes of further attempts', () => {
    expect(readPriceSettings({})).toEqual({ cron: '0 3 * * *', windowMs: 600_000, retryMs: 600_000 });
  });

  it('are rejected if they are not valid', () => {
    expect(() => readPriceSettings({ PRICES_WINDOW_MS: '1e3' })).toThrow('PRICES_WINDOW_MS must be');
  });
});
