import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Shop } from '../../sample-app/lab/launch/shop.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { waitUntil } from '../support/wait-until.js';
import { read, rename, ShopFixture } from './shop-fixture.js';

describe('the shop', () => {
  let fixture: ShopFixture;
  let shop: Shop;
  let proxy: TcpProxy;

  beforeAll(async () => {
    fixture = await ShopFixture.start();
    proxy = await TcpProxy.start(fixture.backing.redisUrl);
    shop = await fixture.shop('with-lock', 2, { REDIS_URL: proxy.url, CATALOG_QUERY_MS: '0' });
  });
  afterAll(async () => {
    await fixture.stop();
    await proxy.close();
  });

  it('returns three levels of categories as JSON', async () => {
    const response = await fetch(`${shop.url}/catalog`);
    expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
    const catalog = (await response.json()) as { children: { children: object[] }[] }[];
    const groups = catalog.flatMap(({ children }) => children);
    expect([catalog.length, groups.length, groups.flatMap(({ children }) => children).length]).toEqual([12, 144, 2160]);
    expect((await fixture.check()).isRight(Buffer.from(JSON.stringify(catalog)))).toBe(true);
  });

  it('is compared with the database: a wrong or broken catalog is detected each time', async () => {
    const check = await fixture.check();
    const { body } = await read(`${shop.url}/catalog`);
    const wrong = Buffer.from(body.toString().replace('"Oak"', '"Elm"'));
    const short = body.subarray(0, -1);
    for (const round of ['before', 'after'] as const) {
      expect([round, ...[wrong, wrong, short, short].map((it) => check.isRight(it))]).toEqual([
        round,
        ...Array<boolean>(4).fill(false),
      ]);
      expect(check.isRight(body)).toBe(true);
    }
  });

  it('returns one section by its name', async () => {
    const { status, body } = await read(`${shop.url}/catalog/garden`);
    expect(status).toBe(200);
    expect(JSON.parse(body.toString())).toMatchObject([{ name: 'Garden', section: 'garden' }]);
  });

  it('serves from the cache after that', async () => {
    await fixture.cold();
    for (let i = 0; i < 4; i += 1) expect((await read(`${shop.url}/catalog/garden`)).status).toBe(200);
    expect(await fixture.rebuilds()).toHaveLength(1);
    expect(await fixture.redis.pttl('catalogJson:garden')).toBeGreaterThan(0);
  });

  it('does not return the cached whole catalog for a section', async () => {
    expect((await read(`${shop.url}/catalog`)).status).toBe(200);
    expect((await read(`${shop.url}/catalog/%2A`)).status).toBe(404);
  });

  it.each(['/catalog/nothing', '/catalog/%2A', '/catalog/Garden', '/catalog/a%20b', '/catalog/a%00b', '/nowhere'])(
    'responds with 404 to %s, and leaves nothing in Redis',
    async (path) => {
      const keys = await fixture.redis.dbsize();
      expect((await read(shop.url + path)).status).toBe(404);
      expect(await fixture.redis.dbsize()).toBe(keys);
    },
  );

  it('names the replica in every response, and distributes requests in turn', async () => {
    const names = [];
    for (const path of ['/catalog', '/health', '/catalog/nothing', '/nowhere']) {
      names.push((await read(shop.url + path)).replica);
    }
    expect(names.sort()).toEqual(['replica-1', 'replica-1', 'replica-2', 'replica-2']);
  });

  it.each(['/catalog/garden', '/health', '/nowhere', '/api', '/api/openapi.json'])(
    'restricts browsers to showing %s',
    async (path) => {
      const { headers } = await fetch(shop.url + path);
      expect(headers.get('x-powered-by')).toBeNull();
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('referrer-policy')).toBe('no-referrer');
      const policy = headers.get('content-security-policy');
      expect(policy).toMatch(path === '/api' ? /^default-src 'self'; / : /^default-src '(none|self)'; /);
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toContain("script-src 'unsafe-inline'");
    },
  );

  it.each(['/health', '/health/ready'])('reports in %s what is down', async (path) => {
    const up = await health(path);
    expect(up).toMatchObject({ code: 200, status: 'ok', error: {} });
    expect(statuses(up.details)).toEqual({ process: 'up', database: 'up', redis: 'up', locks: 'up' });
    proxy.pause();
    const down = await health(path);
    expect(down).toMatchObject({ code: 503, status: 'error' });
    expect(statuses(down.details)).toEqual({ process: 'up', database: 'up', redis: 'down', locks: 'down' });
    expect(Object.keys(down.error).sort()).toEqual(['locks', 'redis']);
    // Starting it again would not help.
    expect((await read(`${shop.url}/health/live`)).status).toBe(200);
    proxy.resume();
    await waitUntil('it is ready again', async () => (await health(path)).code === 200);
  });

  it('responds with 503, and not 500, while Redis is down', async () => {
    proxy.pause();
    const answers = await Promise.all([fetch(`${shop.url}/catalog/garden`), rename(shop.url, 5, '{"name":"Beech"}')]);
    proxy.resume();
    for (const answer of answers) {
      expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1']);
      expect(await answer.json()).toMatchObject({ code: 'CACHE_UNAVAILABLE' });
    }
    await waitUntil('it serves again', async () => (await read(`${shop.url}/catalog/garden`)).status === 200);
  });

  const health = async (path: string) => {
    const { status: code, body } = await read(shop.url + path);
    return { code, ...(JSON.parse(body.toString()) as { status: string; details: Details; error: Details }) };
  };
});

type Details = Record<string, { readonly status: string }>;

function statuses(details: Details): Record<string, string> {
  return Object.fromEntries(Object.entries(details).map(([name, { status }]) => [name, status]));
}
