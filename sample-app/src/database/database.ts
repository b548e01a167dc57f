import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import pg from 'pg';
import * as schema from './schema.js';

export type Database = NodePgDatabase<typeof schema>;

/** The token of the shop's `Database`. */
export const DATABASE = Symbol('DATABASE');

export interface OpenDatabase {
  readonly database: Database;
  readonly close: () => Promise<void>;
}

/** @param name what the server shows the connections as, in `pg_stat_activity` */
export function openDatabase(url: string, connections: number, name = 'shop'): OpenDatabase {
  const pool = new pg.Pool({ connectionString: url, max: connections, application_name: name });
  // A connection that breaks while nobody uses it is replaced by the pool; without a listener it would end the process.
  pool.on('error', () => undefined);
  return { database: drizzle(pool, { schema }), close: () => pool.end() };
}
