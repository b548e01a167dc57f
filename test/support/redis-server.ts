import { describe } from '@jest/globals';
import type { Redis, RedisOptions } from 'ioredis';
import { findRedisProgram } from '../../sample-app/services/find-program.js';
import { startRedisProcess } from '../../sample-app/services/redis-process.js';
import type { ServerProcess } from '../../sample-app/services/server-process.js';
import { makeTempDir, type TempDir } from '../../sample-app/services/temp-dir.js';
import { redisClient } from './test-redis.js';

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
  ) {}

  /** Whether this machine has the server program; with `REDIS_URL` or Docker alone it may not. */
  static get available(): boolean {
    return findRedisProgram() !== undefined;
  }

  /** `settings` as on the command line: `RedisServer.start('--maxclients', '50')`. */
  static async start(...settings: string[]): Promise<RedisServer> {
    const program = findRedisProgram();
    if (program === undefined) {
      throw new Error('This test needs redis-server or valkey-server on the PATH: use describeWithRedisServer.');
    }
    const folder = makeTempDir('test-redis');
    try {
      const { port, process } = await startRedisProcess({ program, folder: folder.path, settings });
      return new RedisServer(port, process, program, folder, settings);
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

  /** Starts it again on its port, empty. Kills it first when it still runs. */
  async restart(): Promise<void> {
    await this.kill();
    const { program, port, settings } = this;
    const started = await startRedisProcess({ program, folder: this.folder.path, port, settings });
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

/** `describe` for tests that need a Redis process of their own; where there is none they are skipped, and say so. */
export function describeWithRedisServer(name: string, tests: () => void): void {
  if (RedisServer.available) {
    describe(name, tests);
    return;
  }
  console.warn(`Skipped "${name}": it needs redis-server or valkey-server on the PATH to kill and restart.`);
  describe.skip(name, tests);
}
