import { fileURLToPath } from 'node:url';
import type { SystemName } from '../src/evolution/systems.js';
import { ServerProcess } from '../services/server-process.js';

export interface ShopOptions {
  readonly redisUrl: string;
  readonly databaseUrl: string;
  readonly replicas: number;
  /** Starts the shop with the lab, and guards its catalog by this at first. Without it the plain shop is started. */
  readonly guard?: SystemName;
  /** Where the proxy listens; 0 takes a free port. Default 0. */
  readonly port?: number;
  /** More environment for the replicas: `CATALOG_QUERY_MS`, `LOCK_LEASE_MS` … */
  readonly env?: NodeJS.ProcessEnv;
  /** The folder of the built sample. Default: the one this file is in. */
  readonly programs?: URL;
  /** Every line that a replica or the proxy writes. */
  readonly onLine?: (line: string) => void;
}

export interface Replica {
  readonly name: string;
  readonly url: string;
  readonly process: ServerProcess;
}

/** Replicas of the shop, each a process, behind a proxy, another process. */
export interface Shop {
  /** The proxy's URL. */
  readonly url: string;
  readonly replicas: readonly Replica[];
  readonly stop: () => Promise<void>;
}

/** Replicas write it into a line of JSON. */
const listening = /listens on (http:\/\/[^\s"]+)/;

export async function startShop(options: ShopOptions): Promise<Shop> {
  const started: ServerProcess[] = [];
  const stop = async (): Promise<void> => {
    // The proxy last, so that it passes on the answers to requests that still run.
    await Promise.all(started.slice(0, options.replicas).map((process) => process.stop()));
    await Promise.all(started.map((process) => process.stop()));
  };
  const start = async (name: string, program: string, env: NodeJS.ProcessEnv): Promise<Replica> => {
    const process = await startProgram(name, program, env, options);
    started.push(process);
    return { name, process, url: listening.exec(process.readyLine)?.[1] ?? '' };
  };
  try {
    const names = Array.from({ length: options.replicas }, (_, index) => `replica-${String(index + 1)}`);
    const replicas = await Promise.all(
      names.map((name) =>
        start(name, options.guard === undefined ? 'src/main.js' : 'src/lab.js', {
          REPLICA: name,
          PORT: '0',
          REDIS_URL: options.redisUrl,
          DATABASE_URL: options.databaseUrl,
          ...(options.guard === undefined ? {} : { CATALOG_GUARD: options.guard }),
          ...options.env,
        }),
      ),
    );
    const targets = replicas.map(({ url }) => url).join(',');
    const proxy = await start('proxy', 'proxy/main.js', { TARGETS: targets, PORT: String(options.port ?? 0) });
    return { url: proxy.url, replicas, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function startProgram(
  name: string,
  program: string,
  env: NodeJS.ProcessEnv,
  { programs = new URL('..', import.meta.url), onLine }: ShopOptions,
): Promise<ServerProcess> {
  return ServerProcess.start({
    name,
    command: process.execPath,
    args: [fileURLToPath(new URL(program, programs))],
    env: { ...process.env, NO_COLOR: '1', ...env },
    ready: listening,
    ...(onLine === undefined ? {} : { onLine: (line: string) => onLine(`${name}: ${line}`) }),
  });
}
