import { request } from 'node:http';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ControlServer } from '../../sample-app/lab/controls/control-server.js';

describe('the controls', () => {
  let server: ControlServer;
  const done: string[] = [];
  const json = 'application/json';

  /** What comes back, with exactly these headers. */
  const ask = (method: string, path: string, headers: Record<string, string> = {}, body = '') =>
    new Promise<{ status: number; message: string }>((resolve, reject) => {
      const sent = request(new URL(path, server.url), { method, headers, agent: false }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.on('end', () => {
          expect(response.headers['access-control-allow-origin']).toBeUndefined();
          resolve({ status: response.statusCode!, message: (JSON.parse(text) as { message: string }).message });
        });
      });
      sent.on('error', reject);
      sent.end(body);
    });
  const kill = (headers: Record<string, string>, body = '{}') => ask('POST', '/controls/kill', headers, body);

  beforeAll(async () => {
    server = await ControlServer.listen();
    expect(await kill({ 'Content-Type': json })).toEqual({ status: 503, message: 'The shop is starting.' });
    server.serve({
      reads: { state: () => ({ message: 'the state' }) },
      action: (path) =>
        path === 'kill'
          ? (body) => {
              done.push(String(body.only('times').whole('times', 1, 3)));
              return 'killed';
            }
          : null,
      onStream: () => () => {},
    });
  });
  beforeEach(() => {
    done.length = 0;
  });
  afterAll(() => server.close());

  const times = '{"times":2}';

  it('accept requests of their own page', async () => {
    const { host } = new URL(server.url);
    const allowed: Record<string, string>[] = [
      {},
      { Origin: `http://${host}` },
      { Host: 'localhost:3000', Origin: 'http://localhost:3000', 'Sec-Fetch-Site': 'same-origin' },
      { Host: '[::1]:3000' },
      { 'Sec-Fetch-Site': 'none' },
    ];
    for (const headers of allowed) {
      expect(await kill({ 'Content-Type': `${json}; charset=utf-8`, ...headers }, times)).toEqual({
        status: 200,
        message: 'killed',
      });
    }
    expect(done).toHaveLength(5);
    expect(await ask('GET', '/controls/state')).toEqual({ status: 200, message: 'the state' });
  });

  it.each([
    ['a page elsewhere', { 'Content-Type': json, Origin: 'http://evil.example' }],
    ['a page of another port', { 'Content-Type': json, Origin: 'http://127.0.0.1:1' }],
    ['a page without an origin of its own', { 'Content-Type': json, Origin: 'null' }],
    ['a name that was made to lead here', { 'Content-Type': json, Host: 'evil.example' }],
    ['a name that only begins like this machine', { 'Content-Type': json, Host: 'localhost.evil.example' }],
    ['a name that only ends like this machine', { 'Content-Type': json, Host: 'evil.example:127.0.0.1' }],
    ['an address that is another machine', { 'Content-Type': json, Host: '192.168.0.1' }],
    ['a link elsewhere', { 'Content-Type': json, 'Sec-Fetch-Site': 'cross-site' }],
    ['a form', { 'Content-Type': 'text/plain' }],
    ['another form', { 'Content-Type': 'application/x-www-form-urlencoded' }],
    ['a third form', { 'Content-Type': 'multipart/form-data' }],
    ['no type', {}],
    ['a type that only begins right', { 'Content-Type': 'application/jsonp' }],
  ])('reject %s', async (_who, headers) => {
    expect(await kill(headers, times)).toEqual({ status: 403, message: expect.any(String) });
    expect(done).toEqual([]);
  });

  it('show nothing to a page with another host name', async () => {
    for (const path of ['/controls/state', '/controls/events']) {
      expect((await ask('GET', path, { Host: 'evil.example' })).status).toBe(403);
    }
  });

  it('do not answer the preflight request of another site', async () => {
    const headers = { 'Access-Control-Request-Method': 'POST', 'Access-Control-Request-Headers': 'content-type' };
    expect((await ask('OPTIONS', '/controls/kill', headers)).status).toBe(405);
  });

  it.each([
    [400, '{"times":4}', '"times" must be a whole number from 1 to 3.'],
    [400, '{"times":1.5}', '"times" must be'],
    [400, '{"times":"1"}', '"times" must be'],
    [400, '', '"times" must be'],
    [400, '{"times":1,"then":2}', '"then" is unknown. Known: times.'],
    [400, '{"__proto__":1}', '"__proto__" is unknown.'],
    [400, '[1]', 'The body must be a JSON object.'],
    [400, 'null', 'The body must be a JSON object.'],
    [400, '{', 'The body must be a JSON object.'],
    [413, `{"times":${' '.repeat(5_000)}1}`, 'The body must not be longer than 4096 bytes.'],
  ])('respond with %i and the reason to an invalid body: %s', async (status, body, message) => {
    expect(await kill({ 'Content-Type': json }, body)).toEqual({ status, message: expect.stringContaining(message) });
    expect(done).toEqual([]);
  });

  it('have only their own paths', async () => {
    const headers = { 'Content-Type': json };
    const statuses = [
      await ask('POST', '/controls/nothing', headers),
      await ask('POST', '/controls/constructor', headers),
      await ask('POST', '/controls/', headers),
      await ask('POST', '/kill/../controls/nothing', headers),
      await ask('GET', '/controls/toString'),
      await ask('GET', '/controls/kill'),
      await ask('DELETE', '/controls/kill', headers),
    ].map(({ status }) => status);
    expect(statuses).toEqual([404, 404, 404, 404, 404, 405, 405]);
  });

  it('cannot be reached from other machines', async () => {
    const { port } = new URL(server.url);
    const others = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
    for (const { address, internal, family } of others) {
      if (internal || family !== 'IPv4') continue;
      const outcome = await new Promise((resolve) => {
        const socket = connect(Number(port), address, () => resolve('connected'));
        socket.on('error', () => resolve('refused'));
      });
      expect(outcome).toBe('refused');
    }
    expect(new URL(server.url).hostname).toBe('127.0.0.1');
  });
});
