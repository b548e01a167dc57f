// Starts both services as the launcher does, says where they are, and ends in the way it is told to.
import { setInterval } from 'node:timers';
import '../../../support/register-ts.mjs';

const { startRedis } = await import('../../../../sample-app/services/redis.ts');
const { startPostgres } = await import('../../../../sample-app/services/postgres.ts');
const { stopAll } = await import('../../../../sample-app/services/cleanup.ts');

const redis = await startRedis();
const postgres = await startPostgres();
console.log(JSON.stringify({ type: 'started', redis: redis.url, postgres: postgres.url }));

const ways = {
  wait: () => setInterval(() => undefined, 1_000),
  stop: async () => {
    await redis.stop();
    await postgres.stop();
  },
  stopAll,
  exit: () => process.exit(7),
  error: () => {
    throw new Error('an error that nobody catches');
  },
};
await ways[process.argv[2]]();
