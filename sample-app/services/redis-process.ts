import { onFreePort } from './ports.js';
import { ServerProcess } from './server-process.js';

/** How to start a Redis process. */
export interface RedisProcessOptions {
  /** Full path of `redis-server` or `valkey-server`. */
  readonly program: string;
  /** Its working folder; nothing is written there, since persistence is off. */
  readonly folder: string;
  /** A fixed port; without it a free one is looked for. */
  readonly port?: number;
  /** More settings, as on the command line: `['--maxclients', '50']`. */
  readonly settings?: readonly string[];
  /** Its environment. Default: that of this process. */
  readonly env?: NodeJS.ProcessEnv;
}

export interface RedisProcess {
  readonly port: number;
  readonly process: ServerProcess;
}

/** Starts a Redis without persistence on 127.0.0.1. */
export async function startRedisProcess(options: RedisProcessOptions): Promise<RedisProcess> {
  const startOn = async (port: number): Promise<RedisProcess> => ({
    port,
    process: await ServerProcess.start({
      name: 'Redis',
      command: options.program,
      args: [
        ...['--port', String(port)],
        ...['--bind', '127.0.0.1'],
        ...['--save', ''],
        ...['--appendonly', 'no'],
        ...['--dir', options.folder],
        // A stampede opens many connections in one tick; the default of 511 would refuse some of them.
        ...['--tcp-backlog', '4096'],
        ...(options.settings ?? []),
      ],
      ready: /Ready to accept connections/i,
      ...(options.env === undefined ? {} : { env: options.env }),
    }),
  });
  return options.port === undefined ? onFreePort(startOn) : startOn(options.port);
}
