import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { startPostgres } from '../../services/postgres.js';
import { startRedis } from '../../services/redis.js';
import type { RunningRedis } from '../../services/redis.js';
import { openDatabase } from '../../shop/database/database.js';
import { seed } from '../../shop/database/seed.js';
import { createRebuildsTable } from '../rebuilds/rebuilds-table.js';
import { deleteKeys } from './delete-keys.js';

/** The services of the shop: a Redis, and a database for this run that contains the categories. */
export interface Backing {
  readonly redis: RunningRedis;
  readonly redisUrl: string;
  /** The prefix of this run's keys, since the Redis may be shared. */
  readonly redisPrefix: string;
  readonly databaseUrl: string;
  /** Where the services come from, as text. */
  readonly source: string;
  readonly stop: () => Promise<void>;
}

export async function startBacking(): Promise<Backing> {
  const redis = await startRedis();
  const postgres = await startPostgres();
  const run = `shop_${randomBytes(6).toString('hex')}`;
  const databaseUrl = new URL(postgres.url);
  databaseUrl.pathname = run;
  await onServer(postgres.url, `create database ${run}`);

  const { database, close } = openDatabase(databaseUrl.href, 1);
  try {
    await seed(database);
    await createRebuildsTable(database);
  } finally {
    await close();
  }

  return {
    redis,
    redisUrl: redis.url,
    redisPrefix: `${run}:`,
    databaseUrl: databaseUrl.href,
    source: `Redis from ${redis.source}, PostgreSQL from ${postgres.source}`,
    stop: async () => {
      await onServer(postgres.url, `drop database if exists ${run} with (force)`);
      await postgres.stop();
      if (redis.source === 'REDIS_URL') await deleteKeys(redis.url, run);
      await redis.stop();
    },
  };
}

async function onServer(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
