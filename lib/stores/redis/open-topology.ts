import type { Reporter } from '../../telemetry/reporter.js';
import { callAtOnce } from './connection/call.js';
import { isClusterClient } from './connection/cluster-client.js';
import { clusterTopology } from './cluster/cluster-topology.js';
import { ClientDatabase, followDatabase } from './connection/client-database.js';
import { ConnectionWatch } from './connection/connection-watch.js';
import { slotOfLock } from './cluster/slot-of-lock.js';
import { Heartbeat } from './connection/heartbeat.js';
import type { KeyLayout } from './scripts/key-layout.js';
import { KeyMixing } from './scripts/key-mixing.js';
import { openWriterFor } from './connection/open-client.js';
import type { RedisClient } from './connection/redis-client.js';
import { SingleLink } from './notifications/single-link.js';
import { SingleWriteRoute } from './replication/single-write-route.js';
import type { Topology } from './topology.js';

export interface TopologyOptions {
  readonly client: RedisClient;
  readonly ownsClient: boolean;
  readonly openSubscriber: () => RedisClient;
  readonly commandTimeout: number;
  /** Checks the connections for notifications. Default: a new heartbeat. */
  readonly heartbeat?: Heartbeat;
  readonly reporter?: Reporter;
}

export function topologyOf(options: TopologyOptions, layout: KeyLayout): Topology {
  const { client, ownsClient, openSubscriber, commandTimeout } = options;
  const heartbeat = options.heartbeat ?? new Heartbeat(commandTimeout);
  if (isClusterClient(client))
    return clusterTopology(client, ownsClient, commandTimeout, layout, heartbeat, options.reporter);
  const mixing = new KeyMixing((name) => slotOfLock(layout, name));
  if (!ownsClient) followDatabase(client);
  const database = new ClientDatabase(client);
  const link = new SingleLink(openSubscriber, commandTimeout, heartbeat);
  const routes = new SingleWriteRoute(() => openWriterFor(client, options.reporter), mixing, database, commandTimeout);
  const onDrop = (): void => {
    link.reconnect();
    routes.reconnect();
  };
  // Only a caller's client may select another database.
  const connection = new ConnectionWatch(client, ownsClient, commandTimeout, onDrop, ownsClient ? null : database);
  const waitForReplicas = (): Promise<unknown> => callAtOnce(client, 'wait', 0, 1);
  const testPlaces: Topology['testPlaces'] = (newName) => [{ label: '', name: newName(), waitForReplicas }];
  return { connection, link, routes, mixing, ordered: true, sharded: false, testPlaces };
}
