import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import { findRedisProgram } from '../../sample-app/services/find-program.js';
import { onFreePort } from '../../sample-app/services/ports.js';
import { ServerProcess } from '../../sample-app/services/server-process.js';
import { makeTempDir, type TempDir } from '../../sample-app/services/temp-dir.js';
import { redisClient } from './test-redis.js';

/** Which master a sentinel watches, and how. */
export interface SentinelWatch {
  readonly name: string;
  readonly masterPort: number;
  readonly quorum: number;
  /** How long a node has to be silent to be down, ms. */
  readonly downAfterMs: number;
  readonly failoverTimeoutMs: number;
}

/** One sentinel. Its file keeps what it has learnt, so it may be killed and started again. */
export class SentinelProcess implements AsyncDisposable {
  readonly admin: Redis;

  private constructor(
    readonly port: number,
    private process: ServerProcess,
    private readonly folder: TempDir,
  ) {
    this.admin = redisClient(`redis://127.0.0.1:${port}`, { commandTimeout: 2_000, maxRetriesPerRequest: 1 });
  }

  static async start(watch: SentinelWatch): Promise<SentinelProcess> {
    const folder = makeTempDir('test-sentinel');
    try {
      return await onFreePort(async (port) => {
        writeFileSync(fileOf(folder), config(port, folder.path, watch));
        return new SentinelProcess(port, await launch(folder), folder);
      });
    } catch (error) {
      folder.remove();
      throw error;
    }
  }

  get pid(): number {
    return this.process.pid;
  }

  get running(): boolean {
    return this.process.running;
  }

  async kill(): Promise<void> {
    this.process.signal('SIGKILL');
    await this.process.untilExit();
  }

  async restart(): Promise<void> {
    await this.kill();
    this.process = await launch(this.folder);
  }

  freeze(): void {
    this.process.signal('SIGSTOP');
  }

  thaw(): void {
    this.process.signal('SIGCONT');
  }

  async stop(): Promise<void> {
    this.admin.disconnect();
    await this.process.stop();
    this.folder.remove();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

const fileOf = (folder: TempDir): string => join(folder.path, 'sentinel.conf');

function config(port: number, folder: string, watch: SentinelWatch): string {
  const { name, masterPort, quorum, downAfterMs, failoverTimeoutMs } = watch;
  return [
    `port ${port}`,
    'bind 127.0.0.1',
    `dir ${folder}`,
    `sentinel monitor ${name} 127.0.0.1 ${masterPort} ${quorum}`,
    `sentinel down-after-milliseconds ${name} ${downAfterMs}`,
    `sentinel failover-timeout ${name} ${failoverTimeoutMs}`,
    `sentinel parallel-syncs ${name} 2`,
    '',
  ].join('\n');
}

function launch(folder: TempDir): Promise<ServerProcess> {
  return ServerProcess.start({
    name: 'Sentinel',
    command: findRedisProgram()!,
    args: [fileOf(folder), '--sentinel'],
    // A second start says nothing more of its id: it is in the file by then.
    ready: /Sentinel ID is|\+monitor master/,
  });
}
