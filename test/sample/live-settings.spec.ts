import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { LiveFixture } from './live-fixture.js';
import { LivePage } from './live-page.js';

describe('the settings of a running shop', () => {
  let fixture: LiveFixture;
  let page: LivePage;
  const channel = () => `${fixture.backing.redisPrefix}settings`;
  const change = async (json: string) => {
    await fixture.redis.set('settings', json);
    await fixture.redis.publish(channel(), '');
  };
  const allReport = async (expected: object) => {
    for (const { name } of fixture.shop.replicas) {
      const report = await page.next('the change', (it) => it.replica === name && contains(it, expected));
      expect(report).toMatchObject(expected);
    }
  };
  const contains = (report: object, expected: object) =>
    Object.entries(expected).every(([key, value]) => report[key as keyof typeof report] === value);

  beforeAll(async () => {
    fixture = await LiveFixture.start({ replicas: 2, env: { CATALOG_QUERY_MS: '100' } });
    page = await LivePage.open(fixture.shop.url);
  });
  afterAll(async () => {
    page.close();
    await fixture.stop();
  });

  it('reach all replicas', async () => {
    await change('{"guard":"stage-5","queryMs":250}');
    await allReport({ guard: 'stage-5', queryMs: 250 });
    await fetch(`${fixture.shop.url}/catalog`);
    const built = await page.find('a rebuild', ({ events }) => events.some(({ type }) => type === 'rebuild-ended'));
    const ended = built.events.find((event) => event.type === 'rebuild-ended')!;
    expect(ended.ms).toBeGreaterThanOrEqual(250);
    // A lock without tokens, seen by who waits and who holds.
    const acquired = await page.find('the lock', ({ events }) =>
      events.some((event) => event.type === 'acquired' && event.name === 'catalog:*'),
    );
    expect(acquired.events).toContainEqual(
      expect.objectContaining({ type: 'acquired', name: 'catalog:*', token: null, handedOver: false }),
    );
    await page.next(
      'that nothing is held',
      ({ held, waiting }) => ![...held, ...waiting].some(({ name }) => name.startsWith('catalog')),
    );
  });

  it('that are not valid are ignored and logged; the others are applied', async () => {
    await change('{"guard":"stage-99","queryMs":150,"colour":"red"}');
    await allReport({ guard: 'stage-5', queryMs: 150 });
    expect(page.events).toContainEqual(
      expect.objectContaining({ type: 'error', message: 'Ignored: guard: "stage-99", colour: "red".' }),
    );
    for (const json of ['{', '[]', 'null', '{"queryMs":-1}', '{"queryMs":1e9}', '{"queryMs":"1"}']) {
      page.forget();
      await change(json);
      await page.find('that it was ignored', ({ events }) => events.some(({ type }) => type === 'error'));
    }
    await allReport({ guard: 'stage-5', queryMs: 150 });
  });
});
