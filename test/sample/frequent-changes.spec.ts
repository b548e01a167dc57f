import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { sql } from 'drizzle-orm';
import { createLockService } from '../../lib/index.js';
import { waitUntil } from '../support/wait-until.js';
import { readVersion, rename, ShopFixture } from './shop-fixture.js';

describe('a catalog that changes more often than it can be rebuilt', () => {
  let fixture: ShopFixture;

  beforeAll(async () => {
    fixture = await ShopFixture.start();
  });
  afterEach(async () => {
    await fixture.stopShops();
  });
  afterAll(async () => {
    await fixture.stop();
  });

  /** Rebuilds that began before the one before them in the same section ended, as the database recorded them. */
  const overlapping = async (): Promise<number> => {
    const { rows } = await fixture.database.execute<{ count: number }>(sql`
      select count(*)::int as count from (
        select started, lag(ended) over (partition by section order by id) as before,
          lag(id) over (partition by section order by id) as previous from rebuilds
      ) as steps where previous is not null and (before is null or before > started)`);
    return rows[0]!.count;
  };

  it('serves every reader at once, with versions that never decrease, with one query at a time', async () => {
    const shop = await fixture.shop('with-lock', 3, { CATALOG_QUERY_MS: '600' });
    await fixture.cold();
    const path = `${shop.url}/catalog/furniture`;
    const first = await readVersion(path);
    expect(first.status).toBe(200);

    const names = new Map<number, string>([[first.version, 'Oak']]);
    let changing = true;
    const changes = (async () => {
      for (let count = 1; count <= 15; count += 1) {
        const name = `Name ${String(count)}`;
        const answer = await rename(shop.url, 2, JSON.stringify({ name }));
        expect(answer.status).toBe(200);
        names.set(Number(answer.headers.get('catalog-version')), name);
        await sleep(400);
      }
      changing = false;
    })();
    const readers = Array.from({ length: 40 }, async () => {
      const answers: Awaited<ReturnType<typeof readVersion>>[] = [];
      while (changing) {
        answers.push(await readVersion(path));
        await sleep(20);
      }
      return answers;
    });
    await changes;
    const answers = await Promise.all(readers);

    expect(new Set(answers.flat().map(({ status }) => status))).toEqual(new Set([200]));
    for (const ofOne of answers) {
      const versions = ofOne.map(({ version }) => version);
      expect(versions).toEqual([...versions].sort((a, b) => a - b));
    }
    // The value is exactly that of its version: not older, and no change is missing from it.
    const nameAt = new Map(answers.flat().map(({ version, body }) => [version, nameOf(body, 2)]));
    for (const [version, name] of nameAt) expect([version, name]).toEqual([version, names.get(version)]);

    const rebuilds = await fixture.rebuilds();
    expect(await overlapping()).toBe(0);
    expect(rebuilds.length).toBeGreaterThan(2);
    // Nobody waits for the rebuilds: every reader is served more often than the catalog is rebuilt.
    for (const ofOne of answers) expect(ofOne.length).toBeGreaterThan(rebuilds.length);

    const last = Math.max(...names.keys());
    await waitUntil('the last change is served', async () => (await readVersion(path)).version === last);
  });

  it('shows a reader with the version of its change that change, on every replica', async () => {
    const shop = await fixture.shop('with-lock', 2, { CATALOG_QUERY_MS: '600' });
    const [one, two] = shop.replicas.map(({ url }) => url) as [string, string];
    await fixture.cold();
    for (const path of ['/catalog', '/catalog/furniture', '/catalog/lighting']) await readVersion(one + path);
    const answer = await rename(one, 3, '{"name":"Own change"}');
    const version = Number(answer.headers.get('catalog-version'));
    for (const path of ['/catalog', '/catalog/furniture']) {
      const own = await readVersion(two + path, version);
      expect([own.status, own.version >= version, nameOf(own.body, 3)]).toEqual([200, true, 'Own change']);
    }
    // A section that did not change is asked of the database once, and has that version from then on.
    expect((await readVersion(`${two}/catalog/lighting`, version)).version).toBeGreaterThanOrEqual(version);
  });

  it('reads the change of a replica that died before it updated the cache', async () => {
    const shop = await fixture.shop('with-lock', 1);
    await fixture.cold();
    await readVersion(`${shop.url}/catalog/garden`);
    const { rows } = await fixture.database.execute<{ version: string }>(sql`
      with renamed as (update categories set name = 'Half told' where section = 'garden' and level = 1)
      update catalog_version set version = version + 1 returning version`);
    const own = await readVersion(`${shop.url}/catalog/garden`, Number(rows[0]!.version));
    expect([own.status, own.body.includes('Half told')]).toEqual([200, true]);
  });

  it('rejects a version that does not exist, without a rebuild', async () => {
    const shop = await fixture.shop('with-lock', 1, { CATALOG_QUERY_MS: '0' });
    await readVersion(`${shop.url}/catalog/garden`);
    await fixture.database.execute(sql`delete from rebuilds`);
    for (const version of ['x', '-1', '1.5', '0x1', '1e3', '99999999999999999999', '999999']) {
      expect([version, (await readVersion(`${shop.url}/catalog/garden`, version)).status]).toEqual([version, 400]);
    }
    expect(await fixture.rebuilds()).toEqual([]);
  });

  it('serves the last value, not an error, while the lock of the rebuild stays taken', async () => {
    const shop = await fixture.shop('with-lock', 1, { LOCK_WAIT_MS: '200' });
    await fixture.cold();
    const before = await readVersion(`${shop.url}/catalog/kitchen`);
    await using locks = createLockService({
      url: fixture.backing.redisUrl,
      keyPrefix: `${fixture.backing.redisPrefix}lock:`,
    });
    await using _lease = await locks.acquire('catalog:kitchen');
    const { rows } = await fixture.database.execute<{ id: number }>(
      sql`select id from categories where section = 'kitchen' and level = 2 limit 1`,
    );
    const changed = await rename(shop.url, rows[0]!.id, '{"name":"Not built yet"}');
    for (let i = 0; i < 5; i += 1) {
      const { status, version } = await readVersion(`${shop.url}/catalog/kitchen`);
      expect([status, version]).toEqual([200, before.version]);
      await sleep(100);
    }
    const version = Number(changed.headers.get('catalog-version'));
    expect(await readVersion(`${shop.url}/catalog/kitchen`, version)).toMatchObject({ status: 503, retryAfter: '1' });
  });

  it('does not lose a change during a rebuild when the cache is flushed', async () => {
    const shop = await fixture.shop('with-lock', 2, { CATALOG_QUERY_MS: '700' });
    const [one, two] = shop.replicas.map(({ url }) => url) as [string, string];
    await fixture.cold();
    const early = readVersion(`${one}/catalog/furniture`);
    await fixture.untilQuerying();
    await rename(two, 4, '{"name":"After the rows"}');
    await fixture.forgetCache();
    expect((await early).status).toBe(200);
    expect(nameOf((await readVersion(`${two}/catalog/furniture`)).body, 4)).toBe('After the rows');
  });

  it('gives sections different lifetimes, so that they do not expire together', async () => {
    const shop = await fixture.shop('with-lock', 1, { CATALOG_TTL_MS: '1000000' });
    await fixture.cold();
    const sections = ['furniture', 'lighting', 'kitchen', 'bathroom', 'garden', 'office'];
    const left: number[] = [];
    for (const section of sections) {
      await readVersion(`${shop.url}/catalog/${section}`);
      left.push(await fixture.redis.pttl(`catalogJson:${section}`));
    }
    expect(Math.max(...left)).toBeLessThanOrEqual(1_000_000);
    expect(Math.min(...left)).toBeGreaterThan(750_000);
    // Rounded to 2 s, which is far less than the spread and far more than the reads take in one go.
    expect(new Set(left.map((ms) => Math.round(ms / 2_000))).size).toBeGreaterThan(2);
  });
});

interface Tree {
  readonly id: number;
  readonly name: string;
  readonly children?: readonly Tree[];
}

function nameOf(body: string, id: number): string | undefined {
  const find = (trees: readonly Tree[]): Tree | undefined => {
    for (const tree of trees) {
      const found = tree.id === id ? tree : find(tree.children ?? []);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return find(JSON.parse(body) as Tree[])?.name;
}
