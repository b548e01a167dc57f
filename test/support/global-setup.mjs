// One Redis for the whole test run. Tests find it by `testRedisUrl()` and share it, so each keeps to names of its own.
import './register-ts.mjs';
import { services } from './global-services.mjs';

export default async function globalSetup() {
  const { startRedis } = await import('../../sample-app/services/redis.ts');
  services.redis = await startRedis();
  // The workers are started after this and inherit the environment.
  process.env.TEST_REDIS_URL = services.redis.url;
}
