import { fileURLToPath } from 'node:url';
import { ServerProcess } from '../../../sample-app/services/server-process.js';
import type { ShopFixture } from '../shop-fixture.js';

export interface Running {
  readonly name: string;
  readonly url: string;
  readonly process: ServerProcess;
}

/** Replicas of the plain shop that buyers ask directly, and that can be replaced by new ones. */
export class Replicas {
  readonly running: Running[] = [];

  constructor(
    private readonly fixture: ShopFixture,
    private readonly env: NodeJS.ProcessEnv,
  ) {}

  async start(index: number): Promise<void> {
    const name = `replica-${String(index + 1)}`;
    const { backing, programs, lines } = this.fixture;
    const process_ = await ServerProcess.start({
      name,
      command: process.execPath,
      args: [fileURLToPath(new URL('shop/main.js', programs))],
      env: {
        ...process.env,
        REPLICA: name,
        PORT: '0',
        REDIS_URL: backing.redisUrl,
        REDIS_PREFIX: backing.redisPrefix,
        DATABASE_URL: backing.databaseUrl,
        ...this.env,
      },
      ready: /listens on/,
      onLine: (line) => lines.push(`${name}: ${line}`),
    });
    const url = /http:\/\/[^\s"]+/.exec(process_.readyLine)![0];
    this.running[index] = { name, url, process: process_ };
  }

  async stop(): Promise<void> {
    await Promise.all(this.running.map(({ process: each }) => each.stop()));
  }
}
