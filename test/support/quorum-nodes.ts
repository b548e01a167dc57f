import { RedisServer } from './redis-node.js';
import { stopAllOf } from './replicated-redis.js';
import { TcpProxy } from './tcp-proxy.js';

export interface QuorumNodesOptions {
  /** Whether each node is behind a proxy. Default `false`. */
  readonly proxies?: boolean;
  readonly settings?: readonly string[];
  /** Put into the environment of the node with this index. */
  readonly env?: (index: number) => NodeJS.ProcessEnv;
}

/** Redis servers that know nothing of each other. */
export class QuorumNodes implements AsyncDisposable {
  private constructor(
    readonly servers: readonly RedisServer[],
    /** In the order of `servers`; empty without proxies. */
    readonly proxies: readonly TcpProxy[],
  ) {}

  static async start(count: number, options: QuorumNodesOptions = {}): Promise<QuorumNodes> {
    const { proxies: wanted = false, settings = [], env = () => ({}) } = options;
    const servers: RedisServer[] = [];
    const proxies: TcpProxy[] = [];
    try {
      for (let index = 0; index < count; index += 1) {
        const server = await RedisServer.startWith({ env: env(index) }, ...settings);
        servers.push(server);
        if (wanted) proxies.push(await TcpProxy.start(server.url));
      }
      return new QuorumNodes(servers, proxies);
    } catch (error) {
      await Promise.all(proxies.map((proxy) => proxy.close()));
      await stopAllOf(servers);
      throw error;
    }
  }

  /** Where clients connect: the proxies if there are some. */
  get urls(): string[] {
    return (this.proxies.length > 0 ? this.proxies : this.servers).map(({ url }) => url);
  }

  async stop(): Promise<void> {
    await Promise.all(this.proxies.map((proxy) => proxy.close()));
    await stopAllOf(this.servers);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
