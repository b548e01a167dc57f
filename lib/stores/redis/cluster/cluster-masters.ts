import type { StoreNode } from '../../lock-state.js';
import { isAuthError } from '../connection/credentials.js';
import type { TestPlace } from '../topology.js';
import type { ClusterClient } from '../connection/cluster-client.js';
import type { ClusterMap } from './cluster-map.js';
import type { ClusterWatch } from './cluster-watch.js';

/** The largest number of names that are tried to find one for each master. */
const MAX_TRIES = 50_000;
/** If this many names are all in one hash slot, the key prefix contains a hash tag. */
const SAME_SLOT_TRIES = 200;

/** The masters of a cluster: the places of their start-up tests, and their states. */
export class ClusterMasters {
  constructor(
    private readonly client: ClusterClient,
    private readonly map: ClusterMap,
    private readonly watch: ClusterWatch,
  ) {}

  /** For each master, a new lock name that it is responsible for. */
  testPlaces(newName: () => string, slotOf: (name: string) => number): TestPlace[] {
    const wanted = this.map.owners().length;
    const places = new Map<string, TestPlace>();
    const slots = new Set<number>();
    for (let tries = 0; tries < MAX_TRIES && places.size < wanted; tries += 1) {
      const name = newName();
      const slot = slotOf(name);
      const label = this.map.ownerOf(slot);
      slots.add(slot);
      if (!places.has(label)) places.set(label, this.placeOf(label, name));
      if (tries === SAME_SLOT_TRIES && slots.size === 1) break;
    }
    return [...places.values()];
  }

  get states(): StoreNode[] {
    return this.map.owners().map((name) => ({ name, ...this.stateOf(name) }));
  }

  private placeOf(label: string, name: string): TestPlace {
    const waitForReplicas = async (): Promise<unknown> => this.map.nodeAt(label)?.call('wait', 0, 1);
    return { label, name, waitForReplicas };
  }

  private stateOf(address: string): Omit<StoreNode, 'name'> {
    const node = this.map.nodeAt(address);
    const trouble = this.watch.troubleOf(address);
    if (this.client.status === 'ready' && node !== undefined) {
      if (this.watch.isSilent(node)) return { state: 'unreachable', reason: 'it has not answered for a while' };
      // ioredis opens the connection when it is first needed.
      if (node.status === 'ready' || (node.status === 'wait' && trouble === undefined)) return { state: 'ready' };
    }
    if (trouble === undefined) return { state: 'unreachable', reason: 'there is no connection' };
    return { state: isAuthError(trouble) ? 'refused' : 'unreachable', reason: trouble.message || trouble.name };
  }
}
