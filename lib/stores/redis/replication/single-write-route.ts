import type { Redirection, WriteRoute, WriteRoutes } from './acked-writes.js';
import type { ClientDatabase } from '../connection/client-database.js';
import { ConnectionWatch } from '../connection/connection-watch.js';
import type { KeyMixing } from '../scripts/key-mixing.js';
import type { RedisClient } from '../connection/redis-client.js';
import { ScriptCaller } from '../scripts/script-caller.js';

interface Connection {
  readonly watch: ConnectionWatch;
  readonly caller: ScriptCaller;
}

/** Acknowledged writes to one Redis server, with one connection for each number of replicas, opened on first use. */
export class SingleWriteRoute implements WriteRoutes {
  private readonly connections = new Map<number, Connection>();

  constructor(
    private readonly open: () => RedisClient,
    private readonly mixing: KeyMixing,
    private readonly database: ClientDatabase,
    private readonly commandTimeout: number,
  ) {}

  routeOf(name: string): WriteRoute {
    return { node: '', group: this.mixing.groupOf(name) };
  }

  callerFor(_node: string, minReplicas: number): ScriptCaller {
    const refusal = this.database.refusal();
    if (refusal !== null) throw refusal;
    let connection = this.connections.get(minReplicas);
    if (connection === undefined) {
      const watch = new ConnectionWatch(this.open(), true, this.commandTimeout);
      connection = { watch, caller: new ScriptCaller(watch, this.mixing) };
      this.connections.set(minReplicas, connection);
    }
    return connection.caller;
  }

  redirection(): Redirection | undefined {
    return undefined;
  }

  /** Replaces the connections, whose server is silent or no longer the master. */
  reconnect(): void {
    for (const { watch } of this.connections.values()) watch.giveUp();
  }

  close(): void {
    for (const { watch } of this.connections.values()) {
      watch.dispose();
      watch.client.disconnect();
    }
  }
}
