import { Redis } from 'ioredis';
import { count } from 'drizzle-orm';
import type { Backing } from '../launch/backing.js';
import { startShop } from '../launch/shop.js';
import type { GuardName } from '../evolution/guards.js';
import { openDatabase } from '../../shop/database/database.js';
import { rebuilds } from '../rebuilds/rebuilds-table.js';
import { CatalogCheck } from '../readers/catalog-check.js';
import { Readers } from '../readers/readers.js';
import type { Served } from '../readers/readers.js';
import { commandsSoFar } from './redis-commands.js';

export interface StampedeOptions {
  readonly backing: Backing;
  readonly guard: GuardName;
  readonly replicas: number;
  readonly readers: number;
  /** How long the database takes for the catalog. */
  readonly queryMs: number;
  readonly onServed: (served: number) => void;
  /** Whether to read the warm catalog once more at the end, to compare. */
  readonly measureWarm: boolean;
}

export interface StampedeResult {
  readonly guard: GuardName;
  /** One reader of an empty cache, without other readers. */
  readonly aloneMs: number;
  /** All readers at once of the warm catalog, after that: what this machine needs for the answers alone. */
  readonly warmMs: number;
  /** All readers at once of a cold catalog, as they were served. */
  readonly served: readonly Served[];
  /** Counted in the database. */
  readonly rebuilds: number;
  readonly redisCommands: number;
}

/** Sends all readers at once to an empty cache, with one of the guards, on replicas that are warmed up. */
export async function stampede(options: StampedeOptions): Promise<StampedeResult> {
  const { backing, guard } = options;
  const redis = new Redis(backing.redisUrl, { keyPrefix: backing.redisPrefix });
  redis.on('error', () => undefined);
  const { database, close } = openDatabase(backing.databaseUrl, 1);
  const check = await CatalogCheck.of(database);
  const shop = await startShop({
    redisUrl: backing.redisUrl,
    databaseUrl: backing.databaseUrl,
    replicas: options.replicas,
    guard,
    env: {
      REDIS_PREFIX: backing.redisPrefix,
      CATALOG_QUERY_MS: String(options.queryMs),
      // Without a guard, all readers wait for the database.
      DATABASE_WAIT_MS: '600000',
      DATABASE_POOL: '20',
    },
  });
  const readers = new Readers(`${shop.url}/catalog`, options.readers, (body) => check.isRight(body));
  const forget = (): Promise<unknown> => redis.del('catalogJson', 'catalogVersion');
  try {
    await forget();
    await readers.readAlone();
    // Opens all connections and lets node compile what it will run.
    await readers.readAtOnce();

    await forget();
    const aloneMs = await readers.readAlone();

    await forget();
    await database.delete(rebuilds);
    const before = await commandsSoFar(redis);
    const served = await readers.readAtOnce(options.onServed);
    const redisCommands = (await commandsSoFar(redis)) - before;
    const [row] = await database.select({ count: count() }).from(rebuilds);
    const warmMs = options.measureWarm ? lastOf(await readers.readAtOnce()) : Number.NaN;
    return { guard, aloneMs, warmMs, served, rebuilds: row?.count ?? 0, redisCommands };
  } finally {
    readers.close();
    await shop.stop();
    await close();
    redis.disconnect();
  }
}

/** When the last one was served. */
export function lastOf(served: readonly Served[]): number {
  return Math.max(...served.map(({ ms }) => ms));
}
