import type { Redis, RedisOptions } from 'ioredis';
import { findRedisProgram } from '../../sample-app/services/find-program.js';
import { startRedisProcess } from '../../sample-app/services/redis-process.js';
import type { ServerProcess } from '../../sample-app/services/server-process.js';
import { makeTempDir, type TempDir } from '../../sample-app/services/temp-dir.js';
import { redisClient } from './test-redis.js';

/** How a server is started that needs more than settings. */
export interface RedisServerOptions {
  /** A fixed port; without it a free one is looked for. */
  readonly port?: number;
  /** Put into its environment. */
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * A Redis process that one test has to itself, to be killed, frozen and restarted. It keeps nothing on disk: a restart
 * brings it back empty, on the same port.
 */
export class RedisServer implements AsyncDisposable {
  private readonly clients: Redis[] = [];

  private constructor(
    readonly port: number,
    private process: ServerProcess,
    private readonly program: string,
    private readonly folder: TempDir,
    private readonly settings: readonly string[],
    private readonly env: NodeJS.ProcessEnv,
  ) {}

  /** Whether this machine has the server program; with `REDIS_URL` or Docker alone it may not. */
  static get available(): boolean {
    return findRedisProgram() !== undefined;
  }

  /** `settings` as on the command line: `RedisServer.start('--maxclients', '50')`. */
  static start(...settings: string[]): Promise<RedisServer> {
    return RedisServer.startWith({}, ...settings);
  }

  static async startWith(options: RedisServerOptions, ...settings: string[]): Promise<RedisServer> {
    const program = findRedisProgram();
    if (program === undefined) {
      throw new Error('This test needs redis-server or valkey-server on the PATH: use describeWithRedisServer.');
    }
    const folder = makeTempDir('test-redis');
    try {
      const env = { ...process.env, ...options.env };
      const { port } = options;
      const how = { program, folder: folder.path, settings, env, ...(port === undefined ? {} : { port }) };
      const started = await startRedisProcess(how);
      return new RedisServer(started.port, started.process, program, folder, settings, env);
    } catch (error) {
      folder.remove();
      throw error;
    }
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  get pid(): number {
    return this.process.pid;
  }

  /** A connection that `stop` disconnects. */
  client(options: RedisOptions = {}): Redis {
    const client = redisClient(this.url, options);
    this.clients.push(client);
    return client;
  }

  /** `kill -9`: no goodbye to the clients, and all data gone. */
  async kill(): Promise<void> {
    this.process.signal('SIGKILL');
    await this.process.untilExit();
  }

  get running(): boolean {
    return this.process.running;
  }

  /** Starts it again on its port, empty. Kills it first when it still runs. `more` settings are for this start only. */
  async restart(...more: string[]): Promise<void> {
    await this.kill();
    const { program, port, env } = this;
    const settings = [...this.settings, ...more];
    const started = await startRedisProcess({ program, folder: this.folder.path, port, settings, env });
    this.process = started.process;
  }

  /** SIGSTOP: connections stay open and nothing is answered. */
  freeze(): void {
    this.process.signal('SIGSTOP');
  }

  /** SIGCONT: what was sent in the meantime is now worked off. */
  thaw(): void {
    this.process.signal('SIGCONT');
  }

  async stop(): Promise<void> {
    for (const client of this.clients) client.disconnect();
    await this.process.stop();
    this.folder.remove();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
