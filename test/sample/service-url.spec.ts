import { afterEach, describe, expect, it } from '@jest/globals';
import { startPostgres } from '../../sample-app/services/postgres.js';
import { startRedis } from '../../sample-app/services/redis.js';
import { addressOf, serviceUrl } from '../../sample-app/services/service-url.js';

const redis = {
  variable: 'REDIS_URL',
  protocols: ['redis:', 'rediss:'],
  example: 'redis://user:password@host:6379/0',
};

describe('the URL of a service', () => {
  it.each([
    ['redis://localhost', 'localhost:6379'],
    ['rediss://user:p%23w@redis.test:7000/2', 'redis.test:7000'],
    ['redis://[::1]:7000', '[::1]:7000'],
    ['redis://h:1?password=hidden', 'h:1'],
    ['redis://:hid@den@h:1', 'h:1'],
  ])('%s is shown only as %s', (text, address) => {
    expect(addressOf(serviceUrl(text, redis), 6379)).toBe(address);
  });

  it.each([
    ['redis://:hid#den@h:1'],
    ['redis://user:1#hidden@h:1'],
    ['redis://hidden#x@h:1'],
    ['redis://user:1/hidden@h:1'],
    ['redis://user:1?hidden@h:1'],
    ['redis://user:hid/den@h:1'],
    ['redis://h:hidden'],
    ['http://:hidden@h:1'],
    ['hidden'],
    ['//:hidden@h'],
    ['redis:hidden@h'],
  ])('%s is rejected in one line that contains no part of it', (text) => {
    expect(() => serviceUrl(text, redis)).toThrow(/^REDIS_URL .*redis:\/\/user:password@host:6379\/0/);
    expect(() => serviceUrl(text, redis)).not.toThrow(/hid|den|\n/);
  });
});

describe('a service that is given by its URL', () => {
  const { REDIS_URL, DATABASE_URL } = process.env;
  const restore = (name: string, value: string | undefined) => {
    if (value === undefined) Reflect.deleteProperty(process.env, name);
    else process.env[name] = value;
  };
  afterEach(() => {
    restore('REDIS_URL', REDIS_URL);
    restore('DATABASE_URL', DATABASE_URL);
  });

  it.each(['redis://user:hidden@127.0.0.1:1', 'redis://127.0.0.1:1?password=hidden'])(
    'is named by host and port if Redis does not reply at %s',
    async (url) => {
      process.env.REDIS_URL = url;
      await expect(startRedis()).rejects.toThrow(/^No Redis replies at 127\.0\.0\.1:1 \(REDIS_URL\)/);
      await expect(startRedis()).rejects.not.toThrow(/hidden/);
    },
  );

  it('is rejected with a hint if a password for PostgreSQL is not percent-encoded', async () => {
    process.env.DATABASE_URL = 'postgres://shop:hid#den@127.0.0.1:1/shop';
    await expect(startPostgres()).rejects.toThrow(/^DATABASE_URL is not a valid URL.* write # as %23/);
    await expect(startPostgres()).rejects.not.toThrow(/hid|den/);
  });
});
