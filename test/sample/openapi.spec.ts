import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { OpenAPIObject } from '@nestjs/swagger';
import ts from 'typescript';
import { startBacking, type Backing } from '../../sample-app/lab/launch/backing.js';
import { ChildScript } from '../support/child-script.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { waitUntil } from '../support/wait-until.js';
import { buildSample, type BuiltSample } from './built-sample.js';

describe('the description of the API', () => {
  let backing: Backing;
  let database: TcpProxy;
  let redis: TcpProxy;
  let sample: BuiltSample;
  let app: ChildScript;
  let routes: string[];
  let url: string;
  let document: OpenAPIObject;

  beforeAll(async () => {
    backing = await startBacking();
    const databaseUrl = new URL(backing.databaseUrl);
    database = await TcpProxy.start(databaseUrl.href);
    redis = await TcpProxy.start(backing.redisUrl);
    databaseUrl.hostname = '127.0.0.1';
    databaseUrl.port = String(database.port);
    sample = await buildSample();
    app = ChildScript.start('sample/children/app-with-routes.mjs', [sample.folder.href], {
      DATABASE_URL: databaseUrl.href,
      REDIS_URL: redis.url,
      LOCK_WAIT_MS: '1000',
      REDIS_PREFIX: backing.redisPrefix,
      LOG_LEVEL: 'silent',
    });
    const ready = await app.next('ready');
    url = String(ready.url);
    routes = ready.routes as string[];
    document = (await (await fetch(`${url}/api/openapi.json`)).json()) as OpenAPIObject;
  });
  afterAll(async () => {
    await app.kill('SIGTERM');
    sample.remove();
    await database.close();
    await redis.close();
    await backing.stop();
  });

  const operations = () =>
    Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ path, method, operation: operation as Operation })),
    );

  it('names every route of the shop, and no other', () => {
    const documented = operations().map(({ method, path }) => `${method} ${path.replace(/\{(\w+)\}/g, ':$1')}`);
    expect(documented.sort()).toEqual(routes.sort());
    expect(routes).toContain('post /orders');
    expect(routes.length).toBeGreaterThanOrEqual(11);
  });

  it('has a summary, the responses and their headers for each route', () => {
    expect(document.openapi).toMatch(/^3\./);
    for (const { path, method, operation } of operations()) {
      const where = `${method} ${path}`;
      expect([where, operation.summary]).toEqual([where, expect.stringMatching(/^[A-Z].{10}/)]);
      expect([where, operation.tags?.length]).toEqual([where, 1]);
      const good = Object.entries(operation.responses).filter(([status]) => status.startsWith('2'));
      expect([where, good.length > 0]).toEqual([where, true]);
      for (const [, answer] of good) {
        const type = where === 'get /metrics' ? 'text/plain' : 'application/json';
        expect([where, answer.content?.[type]?.schema]).toEqual([where, expect.any(Object)]);
      }
      for (const answer of Object.values(operation.responses)) {
        expect([where, Object.keys(answer.headers ?? {})]).toEqual([
          where,
          expect.arrayContaining(['X-Replica', 'X-Request-Id']),
        ]);
      }
    }
  });

  it('has no broken references', () => {
    const text = JSON.stringify(document);
    const references = [...text.matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)].map(([, name]) => name!);
    expect(references).toEqual(expect.arrayContaining(['NewOrder', 'OrderAnswer', 'ErrorAnswer', 'LockProblem']));
    for (const name of references) expect(document.components?.schemas?.[name]).toBeDefined();
  });

  it('describes an order as it is validated and returned', async () => {
    const order = (body: unknown) =>
      fetch(`${url}/orders`, {
        method: 'POST',
        headers: {
          'Customer-Token': 'customer-of-this-test',
          'Content-Type': 'application/json',
          'Idempotency-Key': 'key-of-an-order',
        },
        body: JSON.stringify(body),
      });
    expect(schema('NewOrder').required).toEqual(['lines']);
    const { properties, required } = schema('NewOrderLine');
    expect(required).toEqual(Object.keys(properties));
    const example = Object.fromEntries(Object.entries(properties).map(([name, { example: value }]) => [name, value]));
    const placed = await order({ lines: [example] });
    expect(placed.status).toBe(201);
    expect(Object.keys((await placed.json()) as object).sort()).toEqual(
      Object.keys(schema('OrderAnswer').properties).sort(),
    );
    const refused = await order({ lines: [{ ...example, quantity: properties.quantity!.maximum! + 1 }] });
    expect([refused.status, Object.keys((await refused.json()) as object)]).toEqual([
      400,
      expect.arrayContaining(['statusCode', 'message']),
    ]);
    expect(Object.keys(operation('/orders', 'post').responses).sort()).toEqual(
      ['200', '201', '400', '404', '409', '413', '415', '422', '503'].sort(),
    );
  });

  it('lists every response that a route really gives', async () => {
    const body = (method: string, path: string) =>
      method === 'patch' ? '{"name":"Ash"}' : path === '/orders' ? orderOf('oak-table', 1) : undefined;
    const send = (method: string, path: string, more: Variant = {}) =>
      fetch(url + path, {
        method: method.toUpperCase(),
        body: body(method, path) ?? null,
        ...more,
        headers: {
          'Customer-Token': 'customer-of-this-test',
          'Content-Type': 'application/json',
          'Idempotency-Key': randomUUID(),
          ...more.headers,
        },
      });
    const paths = { '{id}': ['2', '999999', '0x1', '%ff'], '{sku}': ['oak-table', 'nothing', '%ff'] };
    const sections = ['garden', 'nothing', '%ff'];
    const seen = new Map<string, Set<number>>();
    const answers = async (what: 'all' | 'valid'): Promise<void> => {
      await Promise.all(
        operations().map(async ({ method, path }) => {
          const statuses = seen.get(`${method} ${path}`) ?? new Set<number>();
          seen.set(`${method} ${path}`, statuses);
          const ends = path.includes('{section}')
            ? sections
            : (Object.entries(paths).find(([p]) => path.includes(p))?.[1] ?? ['']);
          for (const end of what === 'all' ? ends : ends.slice(0, 1)) {
            const target = path.replace(/\{\w+\}/, end);
            const requests: Variant[] = [{}];
            if (what === 'all') {
              const headers: Record<string, string>[] = [
                { 'Idempotency-Key': 'x' },
                { 'Catalog-Version': 'x' },
                { 'Content-Encoding': 'x' },
              ];
              if (body(method, target) !== undefined) {
                const key = { 'Idempotency-Key': 'the-same-key' };
                const bodies = ['{', `"${'x'.repeat(200_000)}"`, orderOf('nothing', 1)];
                requests.push(...bodies.map((it) => ({ body: it })), { headers: key }, { headers: key });
                requests.push({ headers: key, body: orderOf('oak-table', 2) });
              }
              requests.push(...headers.map((it) => ({ headers: it })));
            }
            for (const more of requests) statuses.add((await send(method, target, more)).status);
          }
        }),
      );
    };
    await answers('all');
    database.refuse();
    await answers('valid');
    database.accept();
    await waitUntil('the database is back', async () => (await send('get', '/prices')).status === 200);
    // Without an entry, a reader needs the lock.
    redis.refuse();
    await answers('valid');
    redis.accept();
    await waitUntil('Redis is back', async () => (await send('get', '/catalog/garden')).status === 200);

    for (const { path, method, operation } of operations()) {
      const where = `${method} ${path}`;
      const statuses = [...seen.get(where)!].map(String);
      expect([where, statuses.filter((status) => !(status in operation.responses))]).toEqual([where, []]);
    }
    const of = (where: string) => [...seen.get(where)!].sort();
    expect(of('post /orders')).toEqual(expect.arrayContaining([200, 201, 400, 404, 413, 415, 422, 503]));
    expect(of('patch /categories/{id}')).toEqual(expect.arrayContaining([200, 400, 404, 413, 415, 503]));
    const reads = ['get /catalog', 'get /prices', 'get /prices/{sku}/offer', 'get /stock', 'get /stock/{sku}'];
    for (const where of [...reads, 'get /orders/{id}']) {
      expect([where, of(where)]).toEqual([where, expect.arrayContaining([503])]);
    }
  }, 120_000);

  it('is a page that loads nothing from other hosts', async () => {
    const response = await fetch(`${url}/api`);
    expect([response.status, response.headers.get('x-replica')]).toEqual([200, expect.any(String)]);
    const page = await response.text();
    const files = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, file]) => new URL(file!, `${url}/api`).href);
    expect(files.length).toBeGreaterThanOrEqual(4);
    for (const file of files) {
      expect(file.startsWith(`${url}/api/`)).toBe(true);
      expect([file, (await fetch(file)).status]).toEqual([file, 200]);
    }
  });

  const operation = (path: string, method: 'get' | 'post') => document.paths[path]![method] as Operation;
  const schema = (name: string) => document.components!.schemas![name] as unknown as Schema;
});

describe('the classes of bodies', () => {
  const folder = fileURLToPath(new URL('../../sample-app/shop', import.meta.url));
  const base = fileURLToPath(new URL('../../tsconfig.base.json', import.meta.url));
  const bodies = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.controller.ts'))
    .flatMap((file) => {
      const source = readFileSync(join(folder, file), 'utf8');
      const types = [...source.matchAll(/@Body\([^)]*\)\s+(?:\{[^}]*\}|\w+): (\w+)/g)].map(([, type]) => type!);
      return types.map((type) => ({ file, type, source }));
    });

  it('are found', () => {
    expect(bodies.map(({ type }) => type).sort()).toEqual(['NewName', 'NewOrder']);
  });

  // Imported as a type, a class is gone when the program runs, and nothing would be checked. Jest compiles with SWC,
  // where the tests of orders and renaming would see it.
  it.each(bodies)('are validated when $file is compiled by tsc: $type', ({ type, source }) => {
    const { config } = ts.readConfigFile(base, (path) => readFileSync(path, 'utf8')) as {
      config: { compilerOptions: object };
    };
    const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, folder);
    const { outputText } = ts.transpileModule(source, { compilerOptions: options });
    expect(outputText).toMatch(new RegExp(`design:paramtypes", \\[[^\\]]*\\b${type}\\b`));
  });
});

/** What is different in a request from one that should succeed. */
interface Variant {
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

function orderOf(sku: string, quantity: number): string {
  return JSON.stringify({ lines: [{ sku, quantity }] });
}

interface Operation {
  readonly summary?: string;
  readonly tags?: string[];
  readonly responses: Record<string, { content?: Record<string, { schema?: object }>; headers?: object }>;
}

interface Schema {
  readonly required: string[];
  readonly properties: Record<string, { example?: unknown; maximum?: number }>;
}
