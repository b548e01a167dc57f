import { Redis } from 'ioredis';
import { startRedisProcess } from '../../../../services/redis-process.js';
import type { RedisProcess } from '../../../../services/redis-process.js';
import { makeTempDir } from '../../../../services/temp-dir.js';
import type { TempDir } from '../../../../services/temp-dir.js';

/** A Redis that was started here. */
export interface OwnServer {
  readonly url: string;
  readonly port: number;
  /** `kill -9`. */
  kill(): Promise<void>;
}

/** The Redis servers of a run. */
export class Servers {
  private readonly started = new Set<RedisProcess>();
  private three: Promise<readonly string[]> | undefined;

  private constructor(
    private readonly program: string | undefined,
    /** For the locks of cells with one server. */
    readonly lockUrl: string,
    /** For the witness. */
    readonly witnessUrl: string,
    private readonly folder: TempDir,
  ) {}

  /** `program`: a server program to start servers with; else all is done on the Redis at `url`. */
  static async open(program: string | undefined, url: string | undefined): Promise<Servers> {
    if (program === undefined) {
      if (url === undefined) throw new Error('The scenarios need a Redis: a server program, or the URL of one.');
      // The simulated network between callers and Redis reads the commands.
      if (!url.startsWith('redis://')) {
        throw new Error('The scenarios cannot run over TLS: they need a redis:// URL.');
      }
      return new Servers(undefined, url, url, makeTempDir('evolution'));
    }
    const folder = makeTempDir('evolution');
    const [locks, witness] = await Promise.all([
      startRedisProcess({ program, folder: folder.path }),
      startRedisProcess({ program, folder: folder.path }),
    ]);
    const servers = new Servers(program, urlOf(locks), urlOf(witness), folder);
    servers.started.add(locks).add(witness);
    return servers;
  }

  /** Whether servers can be started, beside the one that is there. */
  get canStart(): boolean {
    return this.program !== undefined;
  }

  async start(...settings: string[]): Promise<OwnServer> {
    const { program, folder } = this;
    if (program === undefined) throw new Error('There is no server program here.');
    const redis = await startRedisProcess({ program, folder: folder.path, settings });
    this.started.add(redis);
    const kill = async (): Promise<void> => {
      redis.process.signal('SIGKILL');
      await redis.process.untilExit();
      this.started.delete(redis);
    };
    return { url: urlOf(redis), port: redis.port, kill };
  }

  /** Three independent servers, the same for the whole run. */
  independent(): Promise<readonly string[]> {
    this.three ??= Promise.all([1, 2, 3].map(() => this.start())).then((servers) => servers.map(({ url }) => url));
    return this.three;
  }

  async stop(): Promise<void> {
    await Promise.all([...this.started].map(({ process }) => process.stop()));
    this.folder.remove();
  }
}

/** A connection of the stage's own. */
export function connectTo(url: string): Redis {
  const redis = new Redis(url, { maxRetriesPerRequest: null });
  redis.on('error', () => undefined);
  return redis;
}

function urlOf({ port }: RedisProcess): string {
  return `redis://127.0.0.1:${String(port)}`;
}
