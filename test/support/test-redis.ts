import { randomUUID } from 'node:crypto';
import type { RedisOptions } from 'ioredis';
import { Redis } from 'ioredis';

/** The Redis of this test run. Other tests use it at the same time: no FLUSHALL, and names from `uniqueName`. */
export function testRedisUrl(): string {
  const url = process.env.TEST_REDIS_URL;
  if (url === undefined || url === '') {
    throw new Error('TEST_REDIS_URL is not set: run the tests through "npm test", whose global setup starts a Redis.');
  }
  return url;
}

/** A connection to `url`, by default to the Redis of this test run. Whoever asked for it disconnects it. */
export function redisClient(url = testRedisUrl(), options: RedisOptions = {}): Redis {
  // After a disconnect ioredis keeps a timer of 2 s if the connection was gone already; Jest would wait for it.
  const client = new Redis(url, { disconnectTimeout: 50, ...options });
  // Hazard tests take the server away; what that does to a command is asserted where the command is sent.
  client.on('error', () => undefined);
  return client;
}

/** A name that no other test uses. */
export function uniqueName(label = 'test'): string {
  return `${label}-${randomUUID()}`;
}
