// One Redis for the whole test run. Tests find it by `testRedisUrl()` and share it, so each keeps to names of its own.
import './register-ts.mjs';
import { chmodSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { services } from './global-services.mjs';

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
}
