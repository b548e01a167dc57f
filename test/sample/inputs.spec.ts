import { randomUUID } from 'node:crypto';
import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Shop } from '../../sample-app/lab/launch/shop.js';
import { ShopFixture } from './shop-fixture.js';

describe('the input of a client', () => {
  let fixture: ShopFixture;
  let shop: Shop;
  let url: string;

  beforeAll(async () => {
    fixture = await ShopFixture.start();
    shop = await fixture.shop('with-lock', 1);
    url = shop.replicas[0]!.url;
    expect((await send('POST', '/orders', orderBody)).status).toBe(201);
  });
  afterAll(async () => {
    await fixture.stop();
  });

  const orderBody = '{"lines":[{"sku":"oak-table","quantity":1}]}';

  /** The path goes out as it is: `fetch` would normalise it. */
  const send = (
    method: string,
    path: string,
    body?: string | Buffer,
    headers: Record<string, string> = {},
  ): Promise<{ status: number; text: string }> =>
    new Promise((resolve, reject) => {
      const { hostname, port } = new URL(url);
      const sent = request({
        ...{ hostname, port, path, method, agent: false },
        headers: {
          'Customer-Token': 'customer-of-this-test',
          ...(body === undefined ? {} : { 'Content-Type': 'application/json', 'Idempotency-Key': randomUUID() }),
          ...headers,
        },
      });
      sent.on('error', reject).on('response', (response) => {
        let text = '';
        response
          .setEncoding('utf8')
          .on('data', (part: string) => (text += part))
          .on('end', () => resolve({ status: response.statusCode!, text }));
      });
      sent.end(body);
    });

  it('has ids in decimal digits only', async () => {
    const ids = ['0x1', '1e0', '%201', '1%20', '+1', '%2B1', '01', '1.0', '0b1', '0o1', '-1', '0', '1_0', '١', 'NaN']
      .map((id) => (id === '١' ? encodeURIComponent(id) : id))
      .concat(['1n', 'Infinity', '2147483648', '9007199254740993', '99999999999999999999', '1,2', '%00', '1%00']);
    const answers: Record<string, number[]> = {};
    for (const id of ids) {
      const read = await send('GET', `/orders/${id}`);
      const renamed = await send('PATCH', `/categories/${id}`, '{"name":"Renamed"}');
      answers[id] = [read.status, renamed.status];
    }
    expect(answers).toEqual(Object.fromEntries(ids.map((id) => [id, [400, 400]])));
    expect((await send('GET', '/catalog')).text).not.toContain('Renamed');
  });

  const nested = (levels: number, inner: string): string => '['.repeat(levels) + inner + ']'.repeat(levels);
  const objects = (levels: number): string => '{"a":'.repeat(levels) + '1' + '}'.repeat(levels);

  it('is rejected with 400 or 413, not 500, if it is deeply nested', async () => {
    const bodies = [
      ...[nested(15_000, ''), nested(40_000, ''), objects(5_000), objects(15_000)],
      ...[nested(15_000, ''), objects(5_000)].map((value) => `{"lines":[{"sku":${value},"quantity":1}]}`),
      ...[nested(15_000, ''), objects(5_000)].map((value) => `{"name":${value}}`),
      `{"__proto__":${objects(3_000)}}`,
      nested(60_000, ''),
    ];
    for (const [method, path] of [
      ['POST', '/orders'],
      ['PATCH', '/categories/2'],
    ] as const) {
      for (const body of bodies) {
        const { status } = await send(method, path, body);
        expect([path, body.slice(0, 12), [400, 413].includes(status) ? 'refused' : status]).toEqual([
          path,
          body.slice(0, 12),
          'refused',
        ]);
      }
    }
  });

  it.each([
    ['{"lines":[{"sku":"oak-table","quantity":9007199254740993}]}', {}],
    ['{"lines":[{"sku":"oak-table","quantity":1e400}]}', {}],
    ['{"lines":[{"sku":"oak-table","quantity":"1"}]}', {}],
    ['{"lines":[{"sku":"oak-table","quantity":[1]}]}', {}],
    ['{"lines":[{"sku":"oak-table","quantity":true}]}', {}],
    ['{"lines":[{"sku":"oak-table","quantity":null}]}', {}],
    ['{"lines":[{"sku":{"toString":"x"},"quantity":1}]}', {}],
    ['{"lines":[{"sku":["oak-table"],"quantity":1}]}', {}],
    ['{"lines":[{"sku":null,"quantity":1}]}', {}],
    ['{"__proto__":{"sku":"oak-table","quantity":1}}', {}],
    ['{"lines":[]}', {}],
    ['{"lines":[null]}', {}],
    ['{"lines":[[]]}', {}],
    ['{"lines":[1]}', {}],
    ['{"lines":{"length":1}}', {}],
    ['{"lines":"oak-table"}', {}],
    ['{"lines":[{"sku":"oak-table","quantity":1},{"sku":"oak-table","quantity":1}]}', {}],
    [`{"lines":[${'{"sku":"a","quantity":1},'.repeat(20)}{"sku":"b","quantity":1}]}`, {}],
    ['null', {}],
    ['1', {}],
    ['\ufeff{', {}],
    [orderBody, { 'Idempotency-Key': `${'a'.repeat(20)}, ${'b'.repeat(20)}` }],
    [orderBody, { 'Customer-Token': '' }],
    [orderBody, { 'Customer-Token': 'short' }],
    [orderBody, { 'Idempotency-Key': '' }],
    [orderBody, { 'Idempotency-Key': '\u00e9'.repeat(10) }],
    ['lines[0][sku]=oak-table&lines[0][quantity]=1', { 'Content-Type': 'application/x-www-form-urlencoded' }],
    [`a${'[a]'.repeat(200)}=1`, { 'Content-Type': 'application/x-www-form-urlencoded' }],
    [orderBody, { 'Content-Type': 'text/plain' }],
    [orderBody, { 'Content-Type': 'nonsense' }],
    [orderBody, { 'Content-Encoding': 'gzip' }],
    [orderBody, { 'Content-Encoding': 'nonsense' }],
  ] as const)('is not a valid order: %s with %j', async (body, headers) => {
    const { status, text } = await send('POST', '/orders', body, headers);
    expect([status >= 400 && status < 500, text]).toEqual([true, text]);
  });

  it.each(['/catalog/%ff', '/catalog/%ED%A0%80', '/catalog/%', '/stock/%ff', '/orders/%', '/stock/%00'])(
    'is not a valid path: %s',
    async (path) => {
      const { status } = await send('GET', path);
      expect([path, status === 400 || status === 404]).toEqual([path, true]);
    },
  );

  it('never causes a 500', async () => {
    const segment = fc.oneof(
      fc.webSegment(),
      fc
        .string({ unit: 'binary' })
        .filter((text) => text.isWellFormed())
        .map(encodeURIComponent),
      fc.stringMatching(/^[\w%.;@+~-]{1,12}$/),
      fc.bigInt().map(String),
      fc.double().map(String),
      fc.constantFrom('1', '2', 'garden', 'oak-table', '2147483647', '__proto__', 'constructor'),
    );
    const value = fc.oneof(fc.jsonValue({ maxDepth: 4 }), fc.bigInt().map(String), fc.string({ unit: 'binary' }));
    const body = fc.oneof(
      fc.record({ sku: value, quantity: value, name: value }, { requiredKeys: [] }),
      fc.record({ name: fc.string({ unit: 'binary', maxLength: 80 }) }),
      fc.record({ lines: fc.array(fc.oneof(value, fc.record({ sku: value, quantity: value }))) }),
      fc.record({ lines: fc.array(fc.record({ sku: fc.constantFrom('oak-table', 'x'), quantity: fc.double() })) }),
      value,
    );
    const text = fc.oneof(
      body.map((it) => JSON.stringify(it)),
      fc.json(),
      fc.string(),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('GET /orders/', 'GET /stock/', 'GET /catalog/', 'PATCH /categories/', 'POST /orders?'),
        segment,
        text,
        async (route, last, sent) => {
          const [method, path] = route.split(' ') as [string, string];
          const answer = await send(method, path + last, method === 'GET' ? undefined : sent);
          expect(answer.status).toBeLessThan(500);
        },
      ),
      { numRuns: 300 },
    );
  });
});
