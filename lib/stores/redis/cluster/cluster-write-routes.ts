import { LockUnavailableError } from '../../../errors/index.js';
import type { Redirection, WriteRoute, WriteRoutes } from '../replication/acked-writes.js';
import type { KeyMixing } from '../scripts/key-mixing.js';
import type { RedisClient } from '../connection/redis-client.js';
import { ScriptCaller } from '../scripts/script-caller.js';
import type { ClusterMap } from './cluster-map.js';
import { NodeWatch } from './cluster-watch.js';

interface Connection {
  readonly client: RedisClient;
  readonly watch: NodeWatch;
  readonly caller: ScriptCaller;
}

/**
 * Acknowledged writes in a cluster. For each number of replicas there is one connection to each master that is written
 * to, and one WAIT serves all of its slots.
 */
export class ClusterWriteRoutes implements WriteRoutes {
  private readonly connections = new Map<string, Connection>();

  constructor(
    private readonly map: ClusterMap,
    private readonly mixing: KeyMixing,
    private readonly slotOf: (name: string) => number,
    private readonly open: (address: string) => RedisClient | undefined,
    private readonly commandTimeout: number,
  ) {}

  routeOf(name: string): WriteRoute {
    const slot = this.slotOf(name);
    return { node: this.map.masterOf(slot) ?? '', group: this.mixing.groupOf(name) };
  }

  redirection({ cause }: LockUnavailableError, node: string): Redirection | undefined {
    return this.map.redirection(cause, node);
  }

  callerFor(node: string, minReplicas: number): ScriptCaller {
    const key = `${node} ${String(minReplicas)}`;
    const known = this.connections.get(key);
    if (known !== undefined) return known.caller;
    const client = this.open(node);
    if (client === undefined) {
      void this.map.refresh();
      const what = 'the master of its hash slot is not known now.';
      throw new LockUnavailableError(what, undefined, { retryable: true, outcomeUnknown: false });
    }
    const watch = new NodeWatch(client, this.map, this.commandTimeout);
    const connection = { client, watch, caller: new ScriptCaller(watch, this.mixing) };
    this.connections.set(key, connection);
    client.on('close', () => {
      this.forget(key, connection);
      void this.map.refresh();
    });
    return connection.caller;
  }

  /** Each connection is closed separately when its node is silent. */
  reconnect(): void {
    return;
  }

  close(): void {
    for (const [key, connection] of this.connections) this.forget(key, connection);
  }

  private forget(key: string, connection: Connection): void {
    if (this.connections.get(key) === connection) this.connections.delete(key);
    connection.watch.dispose();
    connection.client.disconnect();
  }
}
