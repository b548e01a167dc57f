import { TcpProxy } from '../../../support/tcp-proxy.js';
import type { RedisServer } from '../../../support/redis-node.js';
import type { Wiring } from '../stages/stage.js';
import type { NatMap, Where } from '../worker/lock-client.js';

/** Proxies of a worker's own to these servers. */
export async function wireThrough(
  servers: readonly { readonly port: number }[],
  where: (proxies: readonly TcpProxy[], natMap: NatMap) => Where,
): Promise<Wiring> {
  const proxies: TcpProxy[] = [];
  const natMap: NatMap = {};
  for (const { port } of servers) {
    const proxy = await TcpProxy.start(`redis://127.0.0.1:${port}`);
    proxies.push(proxy);
    natMap[`127.0.0.1:${port}`] = { host: '127.0.0.1', port: proxy.port };
  }
  return { where: where(proxies, natMap), proxies };
}

/** The ways of all workers to the same servers. */
export class Ways {
  private readonly wirings: Wiring[] = [];

  /** @param make the way of one worker, its proxies in the order of the servers */
  constructor(private readonly make: () => Promise<Wiring>) {}

  readonly wire = async (): Promise<Wiring> => {
    const wiring = await this.make();
    this.wirings.push(wiring);
    return wiring;
  };

  /** The proxies of all workers to the server at this index. */
  to(index: number): TcpProxy[] {
    return this.wirings.map(({ proxies }) => proxies[index]!);
  }
}

/** Starts a server again on its port, empty. Somebody's outgoing connection may have that port for a moment. */
export async function startAgain(server: RedisServer, ...settings: string[]): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await server.restart(...settings);
      return;
    } catch (error) {
      if (attempt === 40 || !/address already in use|failed listening|could not create/i.test(String(error)))
        throw error;
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }
}
