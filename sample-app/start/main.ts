import { stopAll, stopOnExit } from '../services/cleanup.js';
import { startBacking } from './backing.js';
import { startShop } from './shop.js';

/** `npm start`: the whole shop on this machine, until Ctrl-C. */
async function main(): Promise<void> {
  console.log('Starting Redis, PostgreSQL, 4 replicas of the shop and a proxy …');
  const backing = await startBacking();
  stopOnExit({ stop: backing.stop, stopNow: () => undefined });
  const shop = await startShop({
    redisUrl: backing.redisUrl,
    databaseUrl: backing.databaseUrl,
    replicas: 4,
    guard: 'with-lock',
    port: Number(process.env.PORT ?? '0'),
    env: { REDIS_PREFIX: backing.redisPrefix },
    onLine: (line) => {
      if (/"level":"(warn|error|fatal)"/.test(line)) console.error(line);
    },
  });
  console.log(`
The shop runs at ${shop.url} (${backing.source}). Try:

  curl -s ${shop.url}/catalog | head -c 300         # the first one rebuilds the cache, the others are quick
  curl -s ${shop.url}/catalog/lighting | head -c 300
  curl -si ${shop.url}/health                       # X-Replica names the process that answered
  curl -s -X PATCH ${shop.url}/categories/2 -H 'Content-Type: application/json' -d '{"name":"Ash"}'

Ctrl-C stops everything.`);
}

main().catch(async (error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
  await stopAll();
});
