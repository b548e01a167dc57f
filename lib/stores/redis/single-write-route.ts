import type { WriteRoute, WriteRoutes } from './acked-writes.js';
import type { ClientDatabase } from './client-database.js';
import { ConnectionWatch } from './connection-watch.js';
import type { KeyMixing } from './key-mixing.js';
import type { RedisClient } from './redis-client.js';
import { ScriptCaller } from './script-caller.js';

/** All acknowledged writes over one connection to one Redis, opened when the first is asked for. */
export class SingleWriteRoute implements WriteRoutes {
  private connection: ConnectionWatch | null = null;
  private caller: ScriptCaller | null = null;

  constructor(
    private readonly open: () => RedisClient,
    private readonly mixing: KeyMixing,
    private readonly database: ClientDatabase,
    private readonly commandTimeout: number,
  ) {}

  routeOf(name: string): WriteRoute {
    return { node: '', group: this.mixing.groupOf(name) };
  }

  callerFor(): ScriptCaller {
    const refusal = this.database.refusal();
    if (refusal !== null) throw refusal;
    this.connection ??= new ConnectionWatch(this.open(), true, this.commandTimeout);
    return (this.caller ??= new ScriptCaller(this.connection, this.mixing));
  }

  /** Leaves a server that is silent or no longer the master. */
  reconnect(): void {
    if (this.connection?.ready === true) this.connection.client.disconnect(true);
  }

  close(): void {
    this.connection?.dispose();
    this.connection?.client.disconnect();
  }
}
