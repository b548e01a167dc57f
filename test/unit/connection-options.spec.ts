import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import {
  connectLockService,
  createLockService,
  LockConfigError,
  RedisLockModule,
  type LockServiceOptions,
} from 'nestjs-redis-lock';
import { openNodes } from '../../lib/stores/redis/connection/open-client.js';

const SECRET = 's3cret';

function errorOf(attempt: () => unknown): Error {
  try {
    attempt();
  } catch (error) {
    return error as Error;
  }
  throw new Error('it was accepted');
}

/** Where a URL can be given. */
const PLACES: [string, (url: unknown) => unknown][] = [
  ['url', (url) => ({ url })],
  ['quorum', (url) => ({ quorum: ['redis://a', 'redis://b', url] })],
  ['cluster.nodes', (url) => ({ cluster: { nodes: ['redis://a', url] } })],
];

const BAD_URLS = [
  `redis://user:${SECRET}#x@localhost:6379`,
  `redis://user:12#${SECRET}@localhost:6379`,
  `redis://:${SECRET}#x@localhost:6379/0`,
  `redis://user:1?${SECRET}@localhost:6379`,
  `redis://user:1/${SECRET}@localhost:6379`,
  `redis://user:${SECRET}%zz@localhost:6379`,
  `redis://user:${SECRET}@localhost:99999`,
  `redis://user:${SECRET}@localhost:port`,
  `redis://user:${SECRET}@localhost:0`,
  `rediss://user:${SECRET}@localhost:6379/shop`,
  `redis://user:${SECRET}@[::1:6379`,
];

describe.each(PLACES)('a URL in "%s"', (option, optionsOf) => {
  it.each(BAD_URLS)(
    'that is not valid is rejected without showing a secret, with the correct form: %s',
    async (url) => {
      const options = optionsOf(url) as LockServiceOptions;
      for (const attempt of [() => createLockService(options), () => RedisLockModule.forRoot(options)]) {
        const error = errorOf(attempt);
        expect(error).toBeInstanceOf(LockConfigError);
        expect(error.message).toContain(`"${option}" is not a valid Redis URL`);
        expect(error.message).toMatch(/encodeURIComponent/);
        expect(inspect(error, { depth: 10, showHidden: true }) + String(error.stack)).not.toContain(SECRET);
      }
      await expect(connectLockService(options)).rejects.toBeInstanceOf(LockConfigError);
    },
  );

  it('that contains an unset variable is rejected with that hint', () => {
    const error = errorOf(() => createLockService(optionsOf('redis://localhost:undefined') as LockServiceOptions));
    expect(error.message).toMatch(/contains "undefined"\. Is the environment variable set/);
  });

  it.each([
    [undefined, 'is undefined. Is the environment variable set?'],
    ['', 'is an empty string. Is the environment variable set?'],
    [`http://user:${SECRET}@localhost`, 'must be a string that begins with redis:// or rediss://'],
  ])('is rejected when it is %p', (url, message) => {
    const error = errorOf(() => createLockService(optionsOf(url) as LockServiceOptions));
    expect(error).toBeInstanceOf(LockConfigError);
    expect(error.message).toContain(`"${option}" ${message}`);
    expect(error.message).not.toContain(SECRET);
  });

  it.each([
    'redis://localhost',
    'redis://localhost/2',
    `redis://:${encodeURIComponent('a#b/c?d@e%')}@localhost:1`,
    `redis://user:p@ss@localhost:1/0`,
    'rediss://[::1]:6380?family=6',
    `redis://localhost:1?password=p%40ss`,
  ])('is accepted if it is valid: %s', async (url) => {
    const options = optionsOf(url) as LockServiceOptions;
    expect(() => RedisLockModule.forRoot(options)).not.toThrow();
    const locks = createLockService({ ...options, shutdownTimeout: 0 });
    await locks.close();
  });
});

describe('options of the Redis client', () => {
  it.each<[unknown, string]>([
    [{ host: 'localhost', port: 6379 }, '"host" is an option of the Redis client. Write { redis: { host, port } }'],
    [{ sentinels: [], name: 'm' }, '"sentinels" is an option of the Redis client'],
    [{ redis: undefined }, '"redis" is undefined. Is the environment variable set?'],
    [{ client: undefined }, '"client" is undefined'],
    [
      { redis: 'redis://localhost' },
      '"redis" must be an object of ioredis options, not a string. For a URL, use { url }',
    ],
    [{ redis: 6379 }, '"redis" must be an object of ioredis options, but is 6379'],
    [{ redis: { url: `redis://:${SECRET}@localhost` } }, '"redis.url" is no option of ioredis. Use { url }'],
    [{ redis: { socket: { host: 'localhost' } } }, '"redis.socket" is no option of ioredis'],
    [{ redis: { host: '' } }, '"redis.host" is an empty string. Is the environment variable set?'],
    [{ redis: { host: 5 } }, '"redis.host" must be a string, but is 5'],
    [{ redis: { port: Number.NaN } }, '"redis.port" must be a whole number from 1 to 65535, but is NaN. Is the env'],
    [{ redis: { port: 'redis' } }, '"redis.port" must be a whole number from 1 to 65535, but is "redis"'],
    [{ redis: { port: '' } }, 'Is the environment variable set?'],
    [{ redis: { port: 70_000 } }, 'from 1 to 65535, but is 70000'],
    [{ redis: { db: -1 } }, '"redis.db" must be a whole number from 0'],
    [{ redis: { password: 5 } }, '"redis.password" must be a string, but is a number'],
    [{ redis: { sentinels: [] } }, '"redis.sentinels" must be a list of Sentinels'],
    [{ redis: { sentinels: [{ host: 's' }] } }, '"redis.name" must be the name by which the Sentinels know the master'],
    [{ redis: { sentinels: [{ host: '' }], name: 'm' } }, '"redis.sentinels.host" is an empty string'],
    [{ quorum: ['redis://a', 'redis://b', { host: '' }] }, '"quorum.host" is an empty string'],
    [{ cluster: { nodes: [{ host: 'a', port: Number.NaN }] } }, '"cluster.nodes.port" must be a whole number'],
    [{ cluster: { nodes: [0] } }, '"cluster.nodes" must be a whole number'],
    [{ cluster: { nodes: [`a:${SECRET}`] } }, '"cluster.nodes" is not a valid Redis URL'],
    [
      { cluster: { nodes: ['redis://a'], options: { redisOptions: { password: 5 } } } },
      'redisOptions.password" must be',
    ],
  ])('are rejected with the key and what to write: %p', (options, message) => {
    const error = errorOf(() => RedisLockModule.forRoot(options as LockServiceOptions));
    expect(error).toBeInstanceOf(LockConfigError);
    expect(error.message).toContain(message);
    expect(error.message).not.toContain(SECRET);
  });

  it('may have a port and a database as strings, as from the environment', async () => {
    await createLockService({ redis: { port: '1' as unknown as number, db: '2' as unknown as number } }).close();
    await createLockService({ cluster: { nodes: ['localhost:1', 1, { port: 1 }] } }).close();
  });
});

it('the address of a node in messages contains no part of its password', () => {
  const nodes = openNodes([
    `redis://user:p@${SECRET}@a:1`,
    `redis://:${SECRET}@b:1/0?password=${SECRET}`,
    { host: 'c', password: SECRET },
  ]);
  for (const { client } of nodes) client.disconnect();
  expect(nodes.map(({ label }) => label)).toEqual(['a:1', 'b:1', 'c:6379']);
});
