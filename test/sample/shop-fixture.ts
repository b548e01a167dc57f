import { setTimeout as sleep } from 'node:timers/promises';
import { jest } from '@jest/globals';
import { asc } from 'drizzle-orm';
import { Redis } from 'ioredis';
import { CatalogCheck } from '../../sample-app/lab/readers/catalog-check.js';
import { startBacking, type Backing } from '../../sample-app/lab/launch/backing.js';
import { startShop, type Shop } from '../../sample-app/lab/launch/shop.js';
import type { GuardName } from '../../sample-app/lab/evolution/guards.js';
import { openDatabase, type Database } from '../../sample-app/shop/database/database.js';
import { rebuilds } from '../../sample-app/lab/rebuilds/rebuilds-table.js';
import { buildSample, type BuiltSample } from './built-sample.js';

// Each of these tests starts several processes, which takes its time on a busy machine.
jest.setTimeout(120_000);

export type Rebuild = typeof rebuilds.$inferSelect;

/** Real Redis, real PostgreSQL with the categories in it, and shops of several processes on top of them. */
export class ShopFixture {
  /** What all replicas and proxies have written so far, each line after the process's name. */
  readonly lines: string[] = [];
  private readonly shops: Shop[] = [];

  private constructor(
    private readonly built: BuiltSample,
    readonly backing: Backing,
    readonly database: Database,
    private readonly closeDatabase: () => Promise<void>,
    readonly redis: Redis,
  ) {}

  static async start(): Promise<ShopFixture> {
    const built = await buildSample();
    const backing = await startBacking();
    const { database, close } = openDatabase(backing.databaseUrl, 2);
    const redis = new Redis(backing.redisUrl, { keyPrefix: backing.redisPrefix });
    return new ShopFixture(built, backing, database, close, redis);
  }

  /** Where the programs of the sample are. */
  get programs(): URL {
    return this.built.folder;
  }

  /** Replicas and a proxy, with the built library. */
  async shop(guard: GuardName, replicas: number, env: NodeJS.ProcessEnv = {}): Promise<Shop> {
    const shop = await startShop({
      redisUrl: this.backing.redisUrl,
      databaseUrl: this.backing.databaseUrl,
      replicas,
      // The shop by itself, without the lab, unless a test needs a slow query or counts rebuilds.
      ...(guard === 'with-lock' && env.CATALOG_QUERY_MS === undefined ? {} : { guard }),
      env: { REDIS_PREFIX: this.backing.redisPrefix, ...env },
      programs: this.built.folder,
      onLine: (line) => this.lines.push(line),
    });
    this.shops.push(shop);
    return shop;
  }

  /** An empty cache, and no rebuild on record. Renamed categories stay as they are. */
  async cold(): Promise<void> {
    await this.forgetCache();
    await this.database.delete(rebuilds);
  }

  /** Deletes what the shop keeps in Redis about the catalog. */
  async forgetCache(): Promise<void> {
    const prefix = this.backing.redisPrefix;
    const keys = await this.redis.keys(`${prefix}catalog*`);
    await Promise.all(keys.map((key) => this.redis.del(key.slice(prefix.length))));
  }

  rebuilds(): Promise<Rebuild[]> {
    return this.database.select().from(rebuilds).orderBy(asc(rebuilds.id));
  }

  check(): Promise<CatalogCheck> {
    return CatalogCheck.of(this.database);
  }

  /** Waits until this many queries for a catalog are running in the database. */
  async untilQuerying(count = 1): Promise<void> {
    for (;;) {
      const { rows } = await this.database.execute<{ running: number }>(
        `select count(*)::int as running from pg_stat_activity
         where datname = current_database() and state = 'active' and wait_event = 'PgSleep'`,
      );
      if ((rows[0]?.running ?? 0) >= count) return;
      await sleep(10);
    }
  }

  /** Makes the database refuse writes on new connections, and ends those there are; or lets it accept them again. */
  async readOnly(on: boolean): Promise<void> {
    const name = new URL(this.backing.databaseUrl).pathname.slice(1);
    await this.database.transaction(async (tx) => {
      await tx.execute('set transaction read write');
      await tx.execute(`alter database ${name} set default_transaction_read_only = ${on ? 'on' : 'off'}`);
    });
    if (!on) return;
    await this.database.execute(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and pid <> pg_backend_pid()`,
    );
  }

  async stopShops(): Promise<void> {
    await Promise.all(this.shops.splice(0).map((shop) => shop.stop()));
  }

  async stop(): Promise<void> {
    await this.stopShops();
    this.redis.disconnect();
    await this.closeDatabase();
    await this.backing.stop();
    this.built.remove();
  }
}

export async function read(url: string): Promise<{ status: number; body: Buffer; replica: string | null }> {
  const response = await fetch(url);
  const body = Buffer.from(await response.arrayBuffer());
  return { status: response.status, body, replica: response.headers.get('x-replica') };
}

/** A read of the catalog with its version; `atLeast` asks for a version, as a client does after its own change. */
export async function readVersion(
  url: string,
  atLeast?: number | string,
): Promise<{ status: number; body: string; version: number; retryAfter: string | null }> {
  const response = await fetch(url, atLeast === undefined ? {} : { headers: { 'Catalog-Version': String(atLeast) } });
  const { status, headers } = response;
  const version = Number(headers.get('catalog-version') ?? Number.NaN);
  return { status, body: await response.text(), version, retryAfter: headers.get('retry-after') };
}

/** `count` reads at once. */
export function readMany(url: string, count: number): Promise<Awaited<ReturnType<typeof read>>[]> {
  return Promise.all(Array.from({ length: count }, () => read(url)));
}

export async function rename(shopUrl: string, id: number | string, body: string): Promise<Response> {
  return fetch(`${shopUrl}/categories/${id}`, {
    method: 'PATCH',
    headers: { 'Content-Type': 'application/json' },
    body,
  });
}
