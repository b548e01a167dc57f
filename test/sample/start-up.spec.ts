import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { readConfig } from '../../sample-app/shop/config/config.js';
import { ServerProcess } from '../../sample-app/services/server-process.js';
import { startBacking, type Backing } from '../../sample-app/lab/launch/backing.js';
import { buildSample, type BuiltSample } from './built-sample.js';

jest.setTimeout(120_000);

describe('a shop that cannot start', () => {
  let built: BuiltSample;
  let backing: Backing;
  const children = new Set<ChildProcess>();

  beforeAll(async () => {
    [built, backing] = await Promise.all([buildSample(), startBacking()]);
  });
  afterEach(() => {
    for (const child of children) child.kill('SIGKILL');
    children.clear();
  });
  afterAll(async () => {
    built.remove();
    await backing.stop();
  });

  const environment = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv => ({
    ...process.env,
    DATABASE_URL: backing.databaseUrl,
    REDIS_URL: backing.redisUrl,
    REDIS_PREFIX: backing.redisPrefix,
    PORT: '0',
    ...env,
  });
  const run = async (env: NodeJS.ProcessEnv, program = 'shop/main.js') => {
    const child = spawn(process.execPath, [fileURLToPath(new URL(program, built.folder))], { env: environment(env) });
    children.add(child);
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (part: Buffer) => (output += part.toString()));
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, lines: output.trimEnd().split('\n') };
  };

  it.each([
    ['PORT', { PORT: 'abc' }, 'PORT must be a whole number from 0 to 65535, but is "abc".'],
    [
      'HOST',
      { HOST: '[::1]' },
      'HOST must be an IP address, such as 127.0.0.1 or ::1, or a host name, but is "[::1]".',
    ],
    [
      'PRICES_CRON',
      { PRICES_CRON: 'at night' },
      'PRICES_CRON must have five or six fields, such as "0 3 * * *", but is "at night".',
    ],
    [
      'PRICES_WINDOW_MS',
      { PRICES_WINDOW_MS: '1e3' },
      'PRICES_WINDOW_MS must be a whole number from 1 to 86400000, but is "1e3".',
    ],
    [
      'DATABASE_URL',
      { DATABASE_URL: 'postgres://me:se#cret@host/shop' },
      'DATABASE_URL is not a valid URL. In a password, write # as %23, / as %2F, ? as %3F, @ as %40, % as %25.',
    ],
  ])('prints the error in %s in one line, and exits with 1', async (_name, env, line) => {
    expect(await run(env)).toEqual({ code: 1, lines: [line] });
  });

  it('reports a port in use before it starts anything', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const port = String((server.address() as AddressInfo).port);
    // No database answers there: this is not what it complains about.
    const ended = await run({ PORT: port, DATABASE_URL: 'postgres://a:b@127.0.0.1:1/shop' });
    server.close();
    const line = `The shop cannot listen on http://127.0.0.1:${port} (HOST, PORT): the port is in use.`;
    expect(ended).toEqual({ code: 1, lines: [line] });
  });

  it('reports an address that the machine does not have', async () => {
    const { code, lines } = await run({ HOST: '203.0.113.7', PORT: '4000' });
    expect([code, lines]).toEqual([1, [expect.stringContaining('http://203.0.113.7:4000')]]);
  });

  it('reports an invalid setting of the lab, too', async () => {
    const { code, lines } = await run({ CATALOG_GUARD: 'none-such' }, 'lab/replica/main.js');
    expect([code, lines]).toEqual([1, [expect.stringMatching(/^CATALOG_GUARD must be one of none, lock-2013,/)]]);
  });

  it('listens on an IPv6 address, and prints a valid URL', async () => {
    const shop = await ServerProcess.start({
      name: 'shop',
      command: process.execPath,
      args: [fileURLToPath(new URL('shop/main.js', built.folder))],
      env: environment({ HOST: '::1' }),
      ready: /listens on/,
    });
    const url = /http:\/\/[^\s"]+/.exec(shop.readyLine)![0];
    const answer = await fetch(`${url}/health/live`);
    await shop.stop();
    expect([url, answer.status]).toEqual([expect.stringMatching(/^http:\/\/\[::1\]:\d+$/), 200]);
  });
});

describe('the host', () => {
  const needed = { DATABASE_URL: 'postgres://a:b@127.0.0.1/shop', REDIS_URL: 'redis://127.0.0.1' };

  it.each(['127.0.0.1', '0.0.0.0', '::', '::1', 'localhost', 'shop.example.com'])('may be %s', (HOST) => {
    expect(readConfig({ ...needed, HOST }).host).toBe(HOST);
  });

  it.each(['http://localhost', 'localhost:3000', 'a b', '-a', '[::1]', '*'])('may not be %s', (HOST) => {
    expect(() => readConfig({ ...needed, HOST })).toThrow('HOST must be');
  });

  it('is 127.0.0.1 by default', () => {
    for (const env of [{}, { HOST: '' }]) expect(readConfig({ ...needed, ...env }).host).toBe('127.0.0.1');
  });
});
