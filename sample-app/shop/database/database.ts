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

/** When the server breaks a statement off, in ms: no query of the shop takes that long. */
const statementMs = 15_000;
/** When we no longer wait for an answer, in ms: the server, if it is there, has given up before. */
const answerMs = 20_000;

/** How long a connection is used, in seconds: after a failover, none stays with the old server for longer. */
const lifetimeSeconds = 300;

/**
 * @param name what the server shows the connections as, in `pg_stat_activity`
 * @param waitMs how long a query waits for a connection to be free, or made; default 20,000
 */
export function openDatabase(url: string, connections: number, name = 'shop', waitMs = 20_000): OpenDatabase {
  const pool = new pg.Pool({
    connectionString: url,
    max: connections,
    application_name: name,
    connectionTimeoutMillis: waitMs,
    statement_timeout: statementMs,
    query_timeout: answerMs,
    maxLifetimeSeconds: lifetimeSeconds,
  });
  // The pool replaces an idle connection that fails; without a listener, its error would end the process.
  pool.on('error', () => undefined);
  return { database: drizzle(pool, { schema }), close: () => pool.end() };
}
