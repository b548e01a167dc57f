import type { Reporter } from '../../../telemetry/reporter.js';
import type { Heartbeat } from '../heartbeat.js';
import type { KeyLayout } from '../key-layout.js';
import { KeyMixing } from '../key-mixing.js';
import { NODE_NOTICES, NODE_WRITES } from '../open-client.js';
import type { Topology } from '../topology.js';
import type { ClusterClient } from './cluster-client.js';
import { ClusterMap } from './cluster-map.js';
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
  return {
    connection: new ClusterWatch(client, map, ownsClient, commandTimeout),
    link: new ShardLink(map, (address) => map.open(address, NODE_NOTICES), commandTimeout, heartbeat),
    routes: new ClusterWriteRoutes(map, mixing, slotOf, (address) => map.open(address, NODE_WRITES), commandTimeout),
    mixing,
    ordered: false,
    sharded: true,
  };
}
