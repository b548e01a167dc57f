import { fileURLToPath } from 'node:url';
import type { GuardName } from '../evolution/guards.js';
import { ServerProcess } from '../../services/server-process.js';

export interface ShopOptions {
  readonly redisUrl: string;
  readonly databaseUrl: string;
  readonly replicas: number;
  /** Starts the shop with the lab, and guards its catalog by this at first. Without it the plain shop is started. */
  readonly guard?: GuardName;
  /** Where the replicas and the proxy listen: 127.0.0.1 or ::1. Default 127.0.0.1. */
  readonly host?: string;
  /** Where the proxy listens; 0 takes a free port. Default 0. */
  readonly port?: number;
  /** Where the proxy leads to with all below `/controls`. Default nowhere. */
  readonly controlsUrl?: string;
  /** More environment for the replicas and the supplier: `CATALOG_QUERY_MS`, `LOCK_LEASE_MS`, `SUPPLIER_MS` … */
  readonly env?: NodeJS.ProcessEnv;
  /** The folder of the built sample. Default: the one this file is in. */
  readonly programs?: URL;
  /** Every line that a replica or the proxy writes. */
  readonly onLine?: (line: string) => void;
}

/** A process of the shop that answers at an address. */
export interface Replica {
  readonly name: string;
  readonly url: string;
  readonly process: ServerProcess;
}

/** Replicas of the shop, each a process, behind a proxy, another process. */
export interface Shop {
  /** The proxy's URL. */
  readonly url: string;
  readonly proxy: Replica;
  /** The supplier of the replicas: a process that counts their requests, see `lab/supplier/`. */
  readonly supplier: Replica;
  /** As they are now: one that is started again is in the place of the one that ended. */
  readonly replicas: readonly Replica[];
  /** Starts a replica that ended, at the address it had. */
  readonly startAgain: (name: string) => Promise<Replica>;
  readonly stop: () => Promise<void>;
}

export async function startShop(options: ShopOptions): Promise<Shop> {
  const started = new Set<ServerProcess>();
  const replicas: Replica[] = [];
  let supplier: Replica | undefined;
  let proxy: Replica | undefined;
  let stopping = false;

  const start = async (name: string, program: string, env: NodeJS.ProcessEnv): Promise<Replica> => {
    const process = await startProgram(name, program, env, options);
    if (stopping) await process.stop();
    started.add(process);
    void process.untilExit().then(() => started.delete(process));
    return { name, process, url: process.readyLine };
  };
  const startReplica = (name: string, port: string): Promise<Replica> =>
    start(name, options.guard === undefined ? 'shop/main.js' : 'lab/replica/main.js', {
      REPLICA: name,
      PORT: port,
      REDIS_URL: options.redisUrl,
      DATABASE_URL: options.databaseUrl,
      SUPPLIER_URL: supplier?.url,
      ...(options.guard === undefined ? {} : { CATALOG_GUARD: options.guard }),
      ...options.env,
    });
  const startAgain = async (name: string): Promise<Replica> => {
    const place = replicas.findIndex((replica) => replica.name === name);
    const ended = replicas[place];
    if (ended === undefined) throw new Error(`There is no replica "${name}".`);
    const replica = await startReplica(name, new URL(ended.url).port);
    replicas[place] = replica;
    return replica;
  };
  const stop = async (): Promise<void> => {
    stopping = true;
    // The proxy last, so that it passes on the answers to requests that still run, and the supplier, which they may need.
    const last = [proxy?.process, supplier?.process];
    const first = [...started].filter((process) => !last.includes(process));
    await Promise.all(first.map((process) => process.stop()));
    await proxy?.process.stop();
    await supplier?.process.stop();
  };
  try {
    supplier = await start('supplier', 'lab/supplier/main.js', { ...options.env, PORT: '0' });
    const names = Array.from({ length: options.replicas }, (_, index) => `replica-${String(index + 1)}`);
    replicas.push(...(await Promise.all(names.map((name) => startReplica(name, '0')))));
    proxy = await start('proxy', 'lab/proxy/main.js', {
      TARGETS: replicas.map(({ url }) => url).join(','),
      PORT: String(options.port ?? 0),
      ...(options.controlsUrl === undefined ? {} : { CONTROLS: options.controlsUrl }),
    });
    return { url: proxy.url, proxy, supplier, replicas, startAgain, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function startProgram(
  name: string,
  program: string,
  env: NodeJS.ProcessEnv,
  { host = '127.0.0.1', programs = new URL('../..', import.meta.url), onLine }: ShopOptions,
): Promise<ServerProcess> {
  return ServerProcess.start({
    name,
    command: process.execPath,
    args: [fileURLToPath(new URL(program, programs))],
    env: { ...process.env, NO_COLOR: '1', HOST: host, ...env },
    ready: 'ipc',
    // Not SIGTERM: nothing takes the place of a replica while the whole shop stops, so it need not wait.
    stopSignal: 'SIGINT',
    ...(onLine === undefined ? {} : { onLine: (line: string) => onLine(`${name}: ${line}`) }),
  });
}
