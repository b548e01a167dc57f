import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { ServerProcess } from '../../../sample-app/services/server-process.js';
import { startPostgres, type RunningPostgres } from '../../../sample-app/services/postgres.js';
import type { ControlState } from '../../../sample-app/lab/controls/control-state.js';
import type { EvolutionTable } from '../../../sample-app/lab/evolution/evolution-table.js';
import { buildSample, type BuiltSample } from '../built-sample.js';
import { waitUntil } from '../../support/wait-until.js';

/** What `npm start` runs, on a PostgreSQL that the test can look into. */
export class LaunchedShop {
  private constructor(
    readonly url: string,
    private readonly launcher: ServerProcess,
    private readonly built: BuiltSample,
    private readonly postgres: RunningPostgres,
    private readonly database: pg.Client,
  ) {}

  static async start(env: NodeJS.ProcessEnv = {}): Promise<LaunchedShop> {
    const [built, postgres] = await Promise.all([buildSample(), startPostgres()]);
    const launcher = await ServerProcess.start({
      name: 'npm start',
      command: process.execPath,
      args: [fileURLToPath(new URL('lab/start/main.js', built.folder))],
      // A Redis of its own, that may be paused and started again.
      env: { ...process.env, REDIS_URL: '', DATABASE_URL: postgres.url, PORT: '0', ...env },
      ready: /The shop runs at/,
      stopSignal: 'SIGINT',
    });
    const database = await shopDatabase(postgres.url);
    return new LaunchedShop(/http:\/\/[^\s/]+/.exec(launcher.readyLine)![0], launcher, built, postgres, database);
  }

  async state(): Promise<ControlState> {
    return (await (await fetch(`${this.url}/controls/state`)).json()) as ControlState;
  }

  async evolution(): Promise<EvolutionTable> {
    return (await (await fetch(`${this.url}/controls/evolution`)).json()) as EvolutionTable;
  }

  async post(path: string, body: object = {}): Promise<void> {
    const answer = await fetch(`${this.url}/controls/${path}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${path}: ${await answer.text()}`);
  }

  /** The id of the last rebuild on record. */
  async lastRebuild(): Promise<number> {
    const { rows } = await this.database.query<{ id: number }>('select coalesce(max(id), 0)::int as id from rebuilds');
    return rows[0]!.id;
  }

  /** The rebuilds after that one, from the database. */
  async rebuildsSince(id: number): Promise<{ replica: string; token: number | null }[]> {
    const { rows } = await this.database.query<{ replica: string; token: string | null }>(
      'select replica, token from rebuilds where id > $1 order by id',
      [id],
    );
    return rows.map(({ replica, token }) => ({ replica, token: token === null ? null : Number(token) }));
  }

  /** Waits until all replicas run, as the launcher sees them. */
  async untilAllRun(): Promise<void> {
    await waitUntil(
      'all replicas run',
      async () => (await this.state()).replicas.every(({ state }) => state === 'running'),
      60_000,
    );
  }

  async stop(): Promise<void> {
    await this.database.end();
    await this.launcher.stop();
    await this.postgres.stop();
    this.built.remove();
  }
}

/** The launcher makes a database of its own. */
async function shopDatabase(serverUrl: string): Promise<pg.Client> {
  const server = new pg.Client({ connectionString: serverUrl });
  await server.connect();
  const { rows } = await server.query<{ datname: string }>(
    "select datname from pg_database where datname like 'shop_%'",
  );
  await server.end();
  const url = new URL(serverUrl);
  url.pathname = rows.at(-1)!.datname;
  const client = new pg.Client({ connectionString: url.href });
  // It is dropped, with whoever is connected, when the launcher stops.
  client.on('error', () => undefined);
  await client.connect();
  return client;
}
