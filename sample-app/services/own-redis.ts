import { setTimeout as sleep } from 'node:timers/promises';
import { ending } from './cleanup.js';
import { startRedisProcess } from './redis-process.js';
import type { RedisServer } from './running-redis.js';
import type { ServerProcess } from './server-process.js';
import { makeTempDir } from './temp-dir.js';
import type { TempDir } from './temp-dir.js';

const tryAgainMs = 500;

/** A Redis as a child process, with its own folder. */
export class OwnRedis implements RedisServer {
  private stopping = false;

  private constructor(
    private readonly program: string,
    private readonly folder: TempDir,
    private readonly port: number,
    private process: ServerProcess,
  ) {}

  static async start(program: string): Promise<OwnRedis> {
    const folder = makeTempDir('redis');
    try {
      const { port, process } = await startRedisProcess({ program, folder: folder.path });
      return new OwnRedis(program, folder, port, process);
    } catch (error) {
      folder.remove();
      throw error;
    }
  }

  get url(): string {
    return `redis://127.0.0.1:${String(this.port)}`;
  }

  async restart(gapMs: number): Promise<void> {
    this.process.signal('SIGKILL');
    await this.process.untilExit();
    await sleep(gapMs);
    while (!this.ends) {
      try {
        const { program, folder, port } = this;
        this.process = (await startRedisProcess({ program, folder: folder.path, port })).process;
        break;
      } catch {
        // The port is in use for a moment, or everything is stopping.
        await sleep(tryAgainMs);
      }
    }
    // It was stopped during the start.
    if (this.ends) await this.process.stop();
  }

  pause(): void {
    this.process.signal('SIGSTOP');
  }

  continue(): void {
    this.process.signal('SIGCONT');
  }

  async stop(): Promise<void> {
    this.stopping = true;
    await this.process.stop();
    this.folder.remove();
  }

  private get ends(): boolean {
    return this.stopping || ending.aborted;
  }
}
