import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Shop } from '../../sample-app/lab/launch/shop.js';
import { read, readVersion, rename, ShopFixture } from './shop-fixture.js';

describe('renaming a category', () => {
  let fixture: ShopFixture;
  let shop: Shop;
  let one: string;
  let two: string;

  beforeAll(async () => {
    fixture = await ShopFixture.start();
    shop = await fixture.shop('with-lock', 2, { CATALOG_QUERY_MS: '700' });
    [one, two] = shop.replicas.map(({ url }) => url) as [string, string];
  });
  beforeEach(async () => {
    await fixture.cold();
  });
  afterAll(async () => {
    await fixture.stop();
  });

  it('is visible on every replica to a reader that requests its version, in its section and in the whole catalog', async () => {
    for (const url of [one, two]) for (const path of ['/catalog', '/catalog/furniture']) await read(url + path);
    const answer = await rename(one, 2, '{"name":"Ash"}');
    expect(answer.status).toBe(200);
    const version = answer.headers.get('catalog-version')!;
    expect(await answer.json()).toEqual({ id: 2, parentId: 1, level: 2, section: 'furniture', name: 'Ash' });
    for (const url of [one, two]) {
      for (const path of ['/catalog', '/catalog/furniture']) {
        expect((await readVersion(url + path, version)).body).toContain('"name":"Ash"');
      }
    }
  });

  it('leaves the other sections in the cache', async () => {
    await read(`${one}/catalog/lighting`);
    await rename(one, 3, '{"name":"Plain"}');
    await read(`${one}/catalog/lighting`);
    expect((await fixture.rebuilds()).map(({ section }) => section)).toEqual(['lighting']);
  });

  it.each(['/catalog', '/catalog/furniture'])(
    'is not overwritten by a later write of a rebuild of %s with the old name',
    async (path) => {
      const name = `Name of ${path}`;
      const early = read(one + path);
      // The rows of this query are those of its beginning: it no longer sees the new name.
      await fixture.untilQuerying();
      const renamed = await rename(two, 4, JSON.stringify({ name }));
      expect(renamed.status).toBe(200);
      const version = Number(renamed.headers.get('catalog-version'));

      expect((await readVersion(two + path, version)).body).toContain(name);
      const old = await early;
      expect(old.status).toBe(200);
      expect(old.body.toString()).not.toContain(name);
      // And what is cached now is what the database says.
      const rebuilds = (await fixture.rebuilds()).length;
      expect((await read(one + path)).body.toString()).toContain(name);
      expect(await fixture.rebuilds()).toHaveLength(rebuilds);
    },
  );

  it('is rejected with a reason if the id or the name is not valid', async () => {
    const statuses: Record<string, number> = {};
    for (const [id, body] of [
      ['2', '{"name":""}'],
      ['2', '{"name":"   "}'],
      ['2', `{"name":"${'x'.repeat(81)}"}`],
      ['2', '{"name":7}'],
      ['2', '{"name":"a\\u0000b"}'],
      ['2', '{"name":"\\ud800"}'],
      ['2', '[]'],
      ['2', '{'],
      ['two', '{"name":"Ash"}'],
      ['0', '{"name":"Ash"}'],
      ['2147483648', '{"name":"Ash"}'],
      ['999999', '{"name":"Ash"}'],
    ] as const) {
      const answer = await rename(one, id, body);
      expect(((await answer.json()) as { message: string }).message).not.toBe('');
      statuses[`${id} ${body.slice(0, 20)}`] = answer.status;
    }
    const { '999999 {"name":"Ash"}': unknown, ...invalid } = statuses;
    expect(unknown).toBe(404);
    expect(new Set(Object.values(invalid))).toEqual(new Set([400]));
  });
});
