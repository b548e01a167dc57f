import { ending, stopAll, stopOnExit } from '../../services/cleanup.js';
import { endWithParent } from '../../services/parent-watch.js';
import { startBacking } from '../launch/backing.js';
import { ControlServer } from '../controls/control-server.js';
import { Controls } from '../controls/controls.js';
import { Complaints } from './complaints.js';
import { listenAddress } from './listen-address.js';
import { startShop } from '../launch/shop.js';

/** The lock of a killed holder is free after this time, which is short enough to watch. */
const lockLeaseMs = 4_000;
/** So that the catalog is rebuilt again and again under load. */
const catalogTtlMs = 4_000;
const queryMs = 600;
/** A stampede without a guard stands in line for the database's few connections. */
const databaseWaitMs = 120_000;
/** Every 15 s, in the place of every night. */
const pricesCron = '*/15 * * * * *';
/** Shorter than that: the lock of one refresh must be free at the next. */
const pricesWindowMs = 5_000;
const guard = 'with-lock';

/** `npm start`: the whole shop on this machine, with a page that shows what it does, until Ctrl-C. */
async function main(): Promise<void> {
  endWithParent();
  const { host, port } = await listenAddress();
  console.log('Starting Redis, PostgreSQL, a supplier, 4 replicas of the shop and a proxy …');
  const backing = await startBacking();
  stopOnExit({ stop: backing.stop, stopNow: () => undefined });
  // Before the proxy, which has to know where it is.
  const server = await ControlServer.listen();
  stopOnExit({ stop: async () => server.close(), stopNow: () => undefined });
  const shop = await startShop({
    redisUrl: backing.redisUrl,
    databaseUrl: backing.databaseUrl,
    replicas: 4,
    guard,
    host,
    port,
    controlsUrl: server.url,
    env: {
      REDIS_PREFIX: backing.redisPrefix,
      LOCK_LEASE_MS: String(lockLeaseMs),
      CATALOG_TTL_MS: String(catalogTtlMs),
      CATALOG_QUERY_MS: String(queryMs),
      DATABASE_WAIT_MS: String(databaseWaitMs),
      PRICES_CRON: pricesCron,
      PRICES_WINDOW_MS: String(pricesWindowMs),
    },
    onLine: new Complaints().hear,
  });
  shop.proxy.process.untilExit().then(endWithoutProxy).catch(console.error);
  const load = { readersPerSecond: 20, buyersPerSecond: 4, offersPerSecond: 12 };
  const controls = new Controls({ server, backing, shop, settings: { guard, queryMs }, catalogTtlMs, load });
  stopOnExit({ stop: () => controls.close(), stopNow: () => undefined });
  console.log(`
See what it does, and break it:  ${shop.url}/live

The shop runs at ${shop.url} (${backing.source}). Try:

  curl -s ${shop.url}/catalog | head -c 300         # the first one rebuilds the cache, the others are quick
  curl -s ${shop.url}/catalog/lighting | head -c 300
  curl -si ${shop.url}/health                       # X-Replica names the process that answered
  curl -si ${shop.url}/orders -H 'Customer-Token: only-i-know-this-one' -H 'Idempotency-Key: my-first-order' \\
       -H 'Content-Type: application/json' -d '{"lines":[{"sku":"oak-table","quantity":2}]}'   # once more: 200, the same
  curl -s ${shop.url}/prices/oak-table/offer         # from the supplier, three requests at a time
  curl -s -X PATCH ${shop.url}/categories/2 -H 'Content-Type: application/json' -d '{"name":"Ash"}'

All of its API: ${shop.url}/api

Ctrl-C stops everything.`);
}

/** The proxy is not restarted, and without it the shop's address does not reply. */
async function endWithoutProxy(): Promise<void> {
  if (ending.aborted) return;
  console.error('The proxy ended by itself, and the shop with it.');
  process.exitCode = 1;
  await stopAll();
}

main().catch(async (error: unknown) => {
  // Not the error itself: its cause may show a URL with a password.
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
  await stopAll();
});
