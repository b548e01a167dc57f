import { setTimeout as sleep } from 'node:timers/promises';
import { QuorumNodes } from '../../../support/quorum-nodes.js';
import type { RedisServer } from '../../../support/redis-node.js';
import { debugAllowed } from '../../../support/redis-program.js';
import { startAgain, Ways, wireThrough } from '../runner/ways.js';
import type { Wiring, StageSetup } from './stage.js';

/** The servers of a quorum, and some more that can take the place of one: empty, and up for longer than a restart guard. */
export class QuorumServers {
  /** Those that are nodes now, in the order in which services have them. */
  readonly nodes: RedisServer[];
  readonly ways: Ways;
  private readonly spares: { readonly server: RedisServer; readonly since: number }[];

  private constructor(
    private readonly all: QuorumNodes,
    count: number,
    private readonly setup: StageSetup,
    private readonly guardMs: number,
  ) {
    this.nodes = all.servers.slice(0, count);
    this.spares = all.servers.slice(count).map((server) => ({ server, since: Date.now() }));
    this.ways = new Ways(() => wireThrough(this.nodes, (proxies) => ({ quorum: proxies.map(({ url }) => url) })));
  }

  static async start(count: number, setup: StageSetup, guardMs: number): Promise<QuorumServers> {
    const env = (index: number) => setup.serverEnv(clockName(index));
    const spares = Math.floor(count / 2) + 1;
    const all = await QuorumNodes.start(count + spares, { settings: debugAllowed(), env });
    return new QuorumServers(all, count, setup, guardMs);
  }

  readonly wire = async (): Promise<Wiring> => {
    const wiring = await this.ways.wire();
    // A node may have been replaced while the proxies were started.
    for (const [index, proxy] of wiring.proxies.entries()) proxy.redirect(this.nodes[index]!.url);
    return wiring;
  };

  /** Other servers answer under the addresses of these nodes from now on, as when a name is given another address. */
  async replace(indexes: readonly number[]): Promise<void> {
    const next = this.spares.splice(0, indexes.length);
    await sleep(Math.max(0, ...next.map(({ since }) => since + this.guardMs - Date.now())));
    const old = indexes.map((index) => this.nodes[index]!);
    for (const [position, index] of indexes.entries()) {
      this.nodes[index] = next[position]!.server;
      for (const way of this.ways.to(index)) {
        way.redirect(this.nodes[index].url);
        way.cut();
      }
    }
    for (const server of old) {
      await server.kill();
      await startAgain(server);
      this.spares.push({ server, since: Date.now() });
    }
  }

  /** Sets the clock of a node this far from the machine's; `undefined` where that cannot be done. */
  get setClock(): ((server: RedisServer, ms: number) => void) | undefined {
    const { setServerClock } = this.setup;
    if (setServerClock === undefined) return undefined;
    return (server, ms) => setServerClock(clockName(this.all.servers.indexOf(server)), ms);
  }

  stop(): Promise<void> {
    return this.all.stop();
  }
}

const clockName = (index: number): string => `quorum-${index}`;
