import { Redis } from 'ioredis';
import { installDebianPackage, whyNoApt } from './apt.js';
import { findRedisProgram } from './find-program.js';
import { OwnRedis } from './own-redis.js';
import { startRedisContainer } from './redis-container.js';
import type { RedisSource, RunningRedis } from './running-redis.js';
import { addressOf, serviceUrl } from './service-url.js';

export type { RedisSource, RunningRedis } from './running-redis.js';

/**
 * Finds a Redis: `REDIS_URL`, else `redis-server` or `valkey-server` from the PATH, else a container (image from
 * `REDIS_IMAGE`), else Debian's package. Throws with what was tried and why it did not work.
 */
export async function startRedis(): Promise<RunningRedis> {
  const url = process.env.REDIS_URL;
  if (url !== undefined && url !== '') return existingRedis(url);

  const program = findRedisProgram();
  if (program !== undefined) return ownRedis(program, 'program');

  const reasons = ['REDIS_URL is not set', 'neither redis-server nor valkey-server is on the PATH'];
  try {
    return await startRedisContainer();
  } catch (error) {
    reasons.push(`Docker: ${messageOf(error)}`);
  }

  const whyNot = whyNoApt();
  if (whyNot === undefined) {
    console.error('No Redis found: installing Debian package redis-server (its system service is not started) …');
    try {
      await installDebianPackage('redis-server');
      const installed = findRedisProgram();
      if (installed !== undefined) return await ownRedis(installed, 'apt-get');
      reasons.push('apt-get: the package was installed, but redis-server is still not on the PATH');
    } catch (error) {
      reasons.push(`apt-get: ${messageOf(error)}`);
    }
  } else {
    reasons.push(`apt-get: ${whyNot}`);
  }
  throw new Error(
    [
      'No Redis was found or could be started. Do one of these:',
      '  - set REDIS_URL=redis://host:6379 to a running Redis,',
      '  - install redis-server or valkey-server so that it is on the PATH,',
      '  - start Docker.',
      'What was tried:',
      ...reasons.map((reason) => `  - ${reason}`),
    ].join('\n'),
  );
}

const expected = {
  variable: 'REDIS_URL',
  protocols: ['redis:', 'rediss:'],
  example: 'redis://user:password@host:6379/0',
} as const;

async function existingRedis(url: string): Promise<RunningRedis> {
  const address = addressOf(serviceUrl(url, expected), 6379);
  const client = new Redis(url, {
    lazyConnect: true,
    retryStrategy: () => null,
    connectTimeout: 5_000,
    // Its timer would keep a process alive whose connection failed.
    disconnectTimeout: 50,
  });
  let reason: unknown;
  client.on('error', (error) => {
    reason = error;
  });
  try {
    await client.connect();
    await client.ping();
  } catch (error) {
    throw new Error(`No Redis replies at ${address} (REDIS_URL): ${messageOf(reason ?? error)}`, {
      cause: error,
    });
  } finally {
    client.disconnect();
  }
  return { url, source: 'REDIS_URL', stop: () => Promise.resolve() };
}

async function ownRedis(program: string, source: RedisSource): Promise<RunningRedis> {
  const server = await OwnRedis.start(program);
  return { url: server.url, source, server, stop: () => server.stop() };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
