import type * as lockService from '../../../lib/lock.service.js';
import type * as moduleOptions from '../../../lib/options/service-options.js';
import type { LockStore } from '../../../lib/stores/lock-store.js';
import type * as memoryStore from '../../../lib/stores/memory/memory-store.js';
import type * as quorumStore from '../../../lib/stores/quorum/quorum-store.js';
import type * as redisStore from '../../../lib/stores/redis/redis-store.js';
import type { SimProcess } from './kernel/sim-process.js';
import type { Kind } from './kind.js';
import { LatchCalls } from './latch-calls.js';
import { LatchWatch } from './latch-watch.js';
import type { LibrarySlot } from './library/loader.js';
import type { LockService } from './library/types.js';
import type { MemoryServer } from './memory-server.js';
import { Link } from './network/link.js';
import {
  CALLERS_CLIENT,
  NODE_CLIENT,
  OWN_CLIENT,
  SimClient,
  SUBSCRIBER,
  type ClientKind,
} from './network/sim-client.js';
import type { Oracle } from './oracle.js';
import type { SimNode } from './redis/sim-node.js';
import type { Refusals } from './refusals.js';
import { LEASE_MS, LONGEST_LEASE_MS, type Schedule } from './schedule.js';
import type { StoreWatch } from './store-watch.js';
import { Callers } from './workload.js';

/** Settings of every service. Short leases, so that much happens in little time. */
export const SETTINGS = {
  lease: LEASE_MS,
  commandTimeout: 100,
  handOverTime: 20,
  handOverCount: 4,
  shutdownTimeout: 1_000,
};
/** Above the longest lease. */
const RESTART_GUARD_MS = LONGEST_LEASE_MS + 1_000;
export const KEY_PREFIX = 'lock:';
const TOKEN_TTL_MS = 86_400_000;

/** One process with the library in it, and what it has opened. */
export class Replica {
  readonly links: readonly Link[];
  readonly clients: SimClient[] = [];
  readonly service: LockService;
  readonly callers: Callers;

  constructor(
    readonly process: SimProcess,
    slot: LibrarySlot,
    readonly nodes: readonly SimNode[],
    kind: Schedule['client'],
    oracle: Oracle,
    refusals: Refusals,
    extraUs: (node: number) => number,
    private readonly memory: MemoryServer | null,
    used: Kind,
    private readonly watch: StoreWatch | null,
  ) {
    slot.bind(process);
    this.links = nodes.map((node) => new Link(process.world, process, node, () => extraUs(node.id)));
    const { LockService } = slot.load('lock.service') as typeof lockService;
    const { resolveSettings } = slot.load('options/service-options') as typeof moduleOptions;
    const settings = resolveSettings({ memory: true, ...SETTINGS });
    this.service = new LockService(this.openStore(slot, kind), settings);
    const latches = watch instanceof LatchWatch ? new LatchCalls(process, this.service, oracle, watch) : null;
    this.callers = new Callers(process.world, process, this.service, oracle, refusals, nodes.length > 1, used, latches);
  }

  private openStore(slot: LibrarySlot, kind: Schedule['client']): LockStore {
    const options = { keyPrefix: KEY_PREFIX, commandTimeout: SETTINGS.commandTimeout, tokenTtl: TOKEN_TTL_MS };
    if (this.memory !== null) {
      const { MemoryStore } = slot.load('stores/memory/memory-store') as typeof memoryStore;
      const store = new MemoryStore(this.memory.state, KEY_PREFIX);
      this.watch?.watchStore(store);
      return store;
    }
    if (this.nodes.length > 1) {
      const { QuorumStore } = slot.load('stores/quorum/quorum-store') as typeof quorumStore;
      const members = this.nodes.map(({ id }) => ({
        label: `node ${id}`,
        client: this.open(id, NODE_CLIENT),
        openSubscriber: () => this.open(id, SUBSCRIBER),
      }));
      return new QuorumStore(members, { ...options, restartGuard: RESTART_GUARD_MS });
    }
    const { RedisStore } = slot.load('stores/redis/redis-store') as typeof redisStore;
    return new RedisStore({
      ...options,
      client: this.open(0, kind === 'own' ? OWN_CLIENT : CALLERS_CLIENT),
      ownsClient: kind === 'own',
      openSubscriber: () => this.open(0, SUBSCRIBER),
    });
  }

  private open(node: number, kind: ClientKind): SimClient {
    const client = new SimClient(this.links[node]!, kind);
    this.clients.push(client);
    return client;
  }
}
