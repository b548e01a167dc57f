import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { startPostgres } from '../../../sample-app/services/postgres.js';
import { startRedis } from '../../../sample-app/services/redis.js';
import { ChildScript } from '../../support/child-script.js';
import { redisClient } from '../../support/test-redis.js';
import { waitUntil } from '../../support/wait-until.js';

/** Whether anybody listens at the address of `url`. */
function listens(url: string): Promise<boolean> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname);
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

describe('the services of the sample', () => {
  let temp: string;

  beforeEach(() => {
    // A temp folder of our own, to see what is left in it. PostgreSQL's account must be able to enter it.
    temp = mkdtempSync(join(tmpdir(), 'redis-lock-spec-'));
    chmodSync(temp, 0o755);
  });

  afterEach(() => {
    rmSync(temp, { recursive: true, force: true });
  });

  // Without these, so that the services are started here and not only looked up.
  const run = (how: string): ChildScript =>
    ChildScript.start('sample/services/children/run-services.mjs', [how], {
      TMPDIR: temp,
      REDIS_URL: '',
      DATABASE_URL: '',
    });

  it.each([
    ['stop', { code: 0, signal: null }],
    ['stopAll', { code: 0, signal: null }],
    ['exit', { code: 7, signal: null }],
    ['error', { code: 1, signal: null }],
  ])('leave nothing behind after %s', async (how, end) => {
    await using child = run(how);
    const { redis, postgres } = await child.next('started');
    expect(await child.exited).toMatchObject(end);
    await waitUntil('Redis is gone', async () => !(await listens(String(redis))));
    await waitUntil('PostgreSQL is gone', async () => !(await listens(String(postgres))));
    expect(readdirSync(temp)).toEqual([]);
  });

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('leave nothing behind after %s', async (signal) => {
    await using child = run('wait');
    const { redis, postgres } = await child.next('started');
    expect(await listens(String(redis))).toBe(true);
    expect(await listens(String(postgres))).toBe(true);
    expect(await child.kill(signal)).toEqual({ code: null, signal, stderr: '' });
    expect(await listens(String(redis))).toBe(false);
    expect(await listens(String(postgres))).toBe(false);
    expect(readdirSync(temp)).toEqual([]);
  });

  it('end with their parent process, even after kill -9', async () => {
    await using child = run('wait');
    const { redis, postgres } = await child.next('started');
    await child.kill('SIGKILL');
    await waitUntil('Redis is gone', async () => !(await listens(String(redis))));
    await waitUntil('PostgreSQL is gone', async () => !(await listens(String(postgres))));
  });

  it('can run twice at the same time', async () => {
    await using one = run('wait');
    await using two = run('wait');
    const [first, second] = await Promise.all([one.next('started'), two.next('started')]);
    expect(first.redis).not.toBe(second.redis);
    expect(first.postgres).not.toBe(second.postgres);
    await one.kill('SIGTERM');
    expect(await listens(String(second.redis))).toBe(true);
    expect(await listens(String(second.postgres))).toBe(true);
    await two.kill('SIGTERM');
    expect(readdirSync(temp)).toEqual([]);
  });
});

describe('external services', () => {
  const environment = { ...process.env };
  afterEach(() => {
    // Empty counts as not set.
    for (const name of ['REDIS_URL', 'DATABASE_URL']) process.env[name] = environment[name] ?? '';
  });

  it('are used and left running', async () => {
    delete process.env.REDIS_URL;
    delete process.env.DATABASE_URL;
    const [ownRedis, ownPostgres] = [await startRedis(), await startPostgres()];
    process.env.REDIS_URL = ownRedis.url;
    process.env.DATABASE_URL = ownPostgres.url;
    const [redis, postgres] = [await startRedis(), await startPostgres()];
    expect(redis).toMatchObject({ url: ownRedis.url, source: 'REDIS_URL' });
    expect(postgres).toMatchObject({ url: ownPostgres.url, source: 'DATABASE_URL' });
    await redis.stop();
    await postgres.stop();

    const client = redisClient(ownRedis.url);
    expect(await client.ping()).toBe('PONG');
    client.disconnect();
    const database = new Client({ connectionString: ownPostgres.url });
    await database.connect();
    expect((await database.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
    await database.end();
    await ownRedis.stop();
    await ownPostgres.stop();
  });

  it.each([
    ['not a url', /REDIS_URL does not begin with redis:/],
    ['redis://someone:secret@127.0.0.1:1/0', /No Redis replies at 127\.0\.0\.1:1 \(REDIS_URL\): .*ECONNREFUSED/],
  ])('are rejected with a reason: REDIS_URL=%s', async (url, message) => {
    process.env.REDIS_URL = url;
    await expect(startRedis()).rejects.toThrow(message);
    await expect(startRedis()).rejects.not.toThrow(/secret/);
  });

  it.each([
    ['mysql://127.0.0.1/shop', /DATABASE_URL does not begin with postgres:/],
    [
      'postgres://someone:secret@127.0.0.1:1/shop',
      /No PostgreSQL replies at 127\.0\.0\.1:1 \(DATABASE_URL\): .*ECONNREFUSED/,
    ],
  ])('are rejected with a reason: DATABASE_URL=%s', async (url, message) => {
    process.env.DATABASE_URL = url;
    await expect(startPostgres()).rejects.toThrow(message);
    await expect(startPostgres()).rejects.not.toThrow(/secret/);
  });
});
