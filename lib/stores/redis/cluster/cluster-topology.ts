import type { Reporter } from '../../../telemetry/reporter.js';
import type { Heartbeat } from '../connection/heartbeat.js';
import type { KeyLayout } from '../scripts/key-layout.js';
import { KeyMixing } from '../scripts/key-mixing.js';
import { NODE_NOTIFICATIONS, NODE_WRITES } from '../connection/open-client.js';
import type { Topology } from '../topology.js';
import type { ClusterClient } from '../connection/cluster-client.js';
import { ClusterMap } from './cluster-map.js';
import { ClusterMasters } from './cluster-masters.js';
import { ClusterWatch } from './cluster-watch.js';
import { ClusterWriteRoutes } from './cluster-write-routes.js';
import { ShardLink } from './shard-link.js';
import { slotOfLock } from './slot-of-lock.js';

export function clusterTopology(
  client: ClusterClient,
  ownsClient: boolean,
  commandTimeout: number,
  layout: KeyLayout,
  heartbeat: Heartbeat,
  reporter?: Reporter,
): Topology {
  const map = new ClusterMap(client, reporter);
  const slotOf = (name: string): number => slotOfLock(layout, name);
  const mixing = new KeyMixing(slotOf, 'slot');
  const connection = new ClusterWatch(client, map, ownsClient, commandTimeout);
  const masters = new ClusterMasters(client, map, connection);
  return {
    connection,
    link: new ShardLink(map, (address) => map.open(address, NODE_NOTIFICATIONS), commandTimeout, heartbeat),
    routes: new ClusterWriteRoutes(map, mixing, slotOf, (address) => map.open(address, NODE_WRITES), commandTimeout),
    mixing,
    ordered: false,
    sharded: true,
    testPlaces: (newName) => masters.testPlaces(newName, slotOf),
    get nodes() {
      return masters.states;
    },
  };
}
