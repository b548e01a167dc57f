import { LockNameError, quoteName } from '../../../errors/index.js';
import type { KeyLayout } from '../key-layout.js';
import { NODE_NOTICES, NODE_WRITES } from '../open-client.js';
import type { Topology } from '../topology.js';
import type { ClusterClient } from './cluster-client.js';
import { ClusterMap } from './cluster-map.js';
import { ClusterWatch } from './cluster-watch.js';
import { ClusterWriteRoutes } from './cluster-write-routes.js';
import { hashedPart, hashSlot } from './hash-slot.js';
import { ShardLink } from './shard-link.js';

export function clusterTopology(
  client: ClusterClient,
  ownsClient: boolean,
  commandTimeout: number,
  layout: KeyLayout,
): Topology {
  const map = new ClusterMap(client);
  const slotOf = (name: string): number => slotOfLock(layout, name);
  return {
    connection: new ClusterWatch(client, map, ownsClient, commandTimeout),
    link: new ShardLink(map, (address) => map.open(address, NODE_NOTICES), commandTimeout),
    routes: new ClusterWriteRoutes(map, slotOf, (address) => map.open(address, NODE_WRITES), commandTimeout),
    slotOf,
    get sharded() {
      return map.sharded;
    },
    learn: () => map.learn(),
  };
}

/** The slot in which all keys and the channel of a lock are. */
function slotOfLock(layout: KeyLayout, name: string): number {
  const key = layout.lock(name);
  if (hashedPart(key) !== hashedPart(layout.token(name))) {
    throw new LockNameError(
      `The lock name ${quoteName(name)} cannot be used on a cluster: its braces put the lock and its fencing token into ` +
        'different hash slots. Use none, or one pair with something in it.',
      name,
    );
  }
  return hashSlot(key);
}
