import type { FaultInjector } from './faults.js';
import type { World } from './kernel/world.js';
import type { LockServer, Oracle } from './oracle.js';
import { hasPlaces, isReadWrite, queuesOf, type Kind } from './kind.js';
import { baseOf, isSideKey, waitersOf, type LockView } from './lock-view.js';
import { writes } from './redis/read-write-keys.js';
import { NAMES } from './schedule.js';
import { OrderWatch } from './order-watch.js';
import { KEY_PREFIX, type Replica } from './replica.js';

/** With callers waiting and all well, nobody leaves a lock free for longer than this, in µs. */
const FREE_US = 200_000;
/** On several nodes, contenders that split the votes pause before they try again. */
const FREE_SPLIT_US = 1_000_000;
/** From this time on all connections are up, in µs. */
const STARTED_US = 60_000;
const LOOK_US = 25_000;
/** With all well, a lock that no caller has is given back within this time, in µs. */
const UNUSED_US = 2_000_000;
/** A waiter looks at a latch this often without a notification, in µs. */
const RECHECK_US = 3_100_000;
/** How long a place lasts for a waiter that is gone, in µs. */
const PLACE_US = 5_000_000;
/** The time in which what is undone in the background is undone, in µs. */
const SETTLED_US = 2_000_000;
/** Longer than every lease, and than a channel stays subscribed after its last listener. */
const LEASES_OVER_US = 22_000_000;
const CLOSED_US = 10_000_000;

/** Looks for what must not be: free locks that nobody takes, and things left behind. */
export class Leftovers {
  private readonly freeSince = new Map<string, number>();
  private readonly unusedSince = new Map<string, number>();
  private readonly quorum: number;
  private readonly order: OrderWatch | null;

  constructor(
    private readonly world: World,
    private readonly oracle: Oracle,
    private readonly nodes: readonly LockServer[],
    private readonly replicas: readonly Replica[],
    private readonly faults: FaultInjector,
    private readonly view: LockView,
    private readonly kind: Kind,
  ) {
    this.quorum = Math.floor(nodes.length / 2) + 1;
    const [queues] = queuesOf(kind);
    const queueIn = ({ service }: Replica, name: string): SimQueue | undefined => queuesIn(service, queues!, name)[0];
    this.order = isReadWrite(kind) ? new OrderWatch(world, oracle, queueIn) : null;
  }

  /**
   * Whoever waits has to be woken when the lock becomes free, not some time later.
   *
   * @param served whether a majority of the nodes can be asked during the faults, too
   * @param done whether no caller is left, and none comes later
   */
  watchFreeLocks(served: boolean, done: () => boolean): void {
    const look = (): void => {
      for (const name of NAMES) this.lookAt(name);
      if (!this.oracle.broughtBack && this.world.now >= this.faults.recoveredAt) {
        this.lookForUnused();
        this.order?.look(this.living(), NAMES);
      }
      if (!done()) this.world.after(LOOK_US, look);
    };
    this.world.at(served ? STARTED_US : this.faults.recoveredAt, look);
  }

  private lookAt(name: string): void {
    const waited = this.queues(name).some(({ waiting }) => waiting > 0);
    const { now } = this.world;
    if (!waited || this.isTaken(name) || this.oracle.isLost(name) || !this.oracle.isAnnounced(name)) {
      this.freeSince.delete(name);
      return;
    }
    const since = this.freeSince.get(name) ?? now;
    this.freeSince.set(name, since);
    const usual = this.nodes.length > 1 ? FREE_SPLIT_US : FREE_US;
    // A process that is killed leaves the places of its waiters behind, and a failover can bring back old ones.
    const orphaned = this.oracle.broughtBack || this.living().length < this.replicas.length;
    const ghost = hasPlaces(this.kind) && orphaned ? PLACE_US : 0;
    const allowed = Math.max(usual, this.faults.silent.allowanceUs) + ghost;
    if (now - since > allowed) this.oracle.violate(`"${name}" is free, callers wait for it, and nobody takes it`);
  }

  /** Whether an owner has a majority, or too many nodes keep votes of processes that are gone. */
  private isTaken(name: string): boolean {
    const { permits } = this.kind;
    if (permits !== null) {
      const [server] = this.nodes as [LockServer];
      const taken = this.view.owners(server, name).reduce((sum, { take }) => sum + take, 0);
      // The first waiter may want two.
      return permits - taken < Math.min(permits, 2);
    }
    if (this.kind.mode === 'latch') return this.isClosed(name);
    if (isReadWrite(this.kind)) return this.isTakenForWaiters(name);
    const living = new Set(this.living().flatMap(({ process }) => process.ids));
    const votes = new Map<string, number>();
    let dead = 0;
    for (const { keys } of this.nodes) {
      for (const [owner] of keys.hgetall(`lock:${name}`)) {
        votes.set(owner, (votes.get(owner) ?? 0) + 1);
        if (!living.has(owner.split(':')[0]!)) dead += 1;
      }
    }
    return Math.max(0, ...votes.values()) >= this.quorum || dead > this.nodes.length - this.quorum;
  }

  /** Of a latch. One that is open since the store lost its data notified nobody. */
  private isClosed(name: string): boolean {
    const [{ keys }] = this.nodes as [LockServer];
    const { stateLostAt } = this.oracle;
    // A process that sleeps looks as much later.
    const since = Math.max(stateLostAt, ...this.living().map(({ process }) => process.resumedAt));
    const isUnannounced = stateLostAt > -Infinity && this.world.now < since + RECHECK_US;
    return isUnannounced || keys.get(KEY_PREFIX + name) !== null;
  }

  /** Of a read-write lock. If nobody who waits wants to write, those that read are in nobody's way. */
  private isTakenForWaiters(name: string): boolean {
    const [server] = this.nodes as [LockServer];
    const owners = this.view.owners(server, name);
    if (owners.some(({ owner }) => writes(owner))) return true;
    return owners.length > 0 && this.queues(name).some(({ waiters }) => waiters.writers > 0);
  }

  /** The local queues of a name, in all processes that live. */
  private queues(name: string): SimQueue[] {
    const kinds = queuesOf(this.kind);
    return this.living().flatMap(({ service }) => kinds.flatMap((kind) => queuesIn(service, kind, name)));
  }

  /** Locks that a living process holds on some node, though none of its callers has them. */
  private lookForUnused(): void {
    const { now } = this.world;
    const used = new Set(this.living().flatMap(({ service }) => ownersOf(service).map(baseOf)));
    const before = new Map(this.unusedSince);
    this.unusedSince.clear();
    for (const [owner, what] of this.ownersOnNodes()) {
      if (used.has(baseOf(owner))) continue;
      const since = before.get(owner) ?? now;
      this.unusedSince.set(owner, since);
      if (now - since > UNUSED_US) this.oracle.violate(`${what}, and nobody has it`);
    }
  }

  private *ownersOnNodes(): Generator<[owner: string, what: string]> {
    const living = new Set(this.living().flatMap(({ process }) => process.ids));
    for (const server of this.nodes) {
      for (const name of NAMES) {
        for (const { owner } of this.view.owners(server, name)) {
          const left = this.view.left(server, name, owner);
          // Of a process that was killed, or of nobody: its lease has to end it.
          if (living.has(owner.split(':')[0]!)) yield [owner, `node ${server.id} holds ${name} for ${left} ms more`];
        }
      }
    }
  }

  private living(): Replica[] {
    return this.replicas.filter(({ process }) => process.alive);
  }

  /** When all callers are done: what is left now, when all leases are over, and when all services are closed. */
  async check(look: () => void): Promise<void> {
    const { world } = this;
    const never = (): boolean => false;
    await world.run(Math.max(world.now, this.faults.recoveredAt) + SETTLED_US, never, look);
    this.checkServices();
    if (!this.oracle.broughtBack) this.checkHeldForNobody();
    await world.run(world.now + LEASES_OVER_US, never, look);
    this.checkSettled();
    this.checkNodes();
    const open = new Set(this.living());
    for (const replica of this.living()) {
      void replica.service.close().then(
        () => open.delete(replica),
        (error: unknown) => this.oracle.violate(`closing failed: ${String(error)}`),
      );
    }
    await world.run(world.now + CLOSED_US, () => open.size === 0, look);
    if (open.size > 0) this.oracle.violate(`${open.size} services did not close`);
    await world.run(world.now + SETTLED_US, never, look);
    this.checkClosed();
  }

  private checkServices(): void {
    for (const { service, process } of this.living()) {
      const { held, waiting, nodes = [] } = service.stats();
      for (const { name, state, reason } of nodes) {
        if (state !== 'ready') this.oracle.violate(`for process ${process.id} ${name} is ${state}: ${String(reason)}`);
      }
      if (held + waiting === 0) continue;
      this.oracle.violate(`process ${process.id} still has ${held} held, ${waiting} waiting`);
    }
  }

  /** Releases are repeated for as long as a lost acquire may arrive, but not longer than its lease. */
  private checkSettled(): void {
    for (const { service, process } of this.living()) {
      const { unsettled } = service.stats();
      if (unsettled > 0) this.oracle.violate(`process ${process.id} still has ${unsettled} unsettled`);
    }
  }

  /** A lock that no caller has is given back, not left to its lease. */
  private checkHeldForNobody(): void {
    for (const [, what] of this.ownersOnNodes()) this.oracle.violate(`${what}, and nobody has it`);
    if (isReadWrite(this.kind)) this.checkReadWriteKeys();
    if (this.kind.mode === 'fair') this.checkWaiters();
  }

  /** Waiters of processes that live. Those of others are dropped by the next acquisition. */
  private checkWaiters(): void {
    const living = this.living().flatMap(({ process }) => process.ids);
    for (const server of this.nodes) {
      for (const name of NAMES) {
        const left = waitersOf(server, name).filter((owner) => living.some((uuid) => owner.startsWith(uuid)));
        if (left.length > 0) this.oracle.violate(`node ${server.id} still has the waiters ${left.join()} of ${name}`);
      }
    }
  }

  /** Places of waiters, and timeouts of readers, of processes that live. */
  private checkReadWriteKeys(): void {
    const living = this.living().flatMap(({ process }) => process.ids);
    for (const { keys, id } of this.nodes) {
      for (const name of NAMES) {
        const order = keys.get(`lock_order:{lock:${name}}`) ?? '';
        if (living.some((uuid) => order.includes(uuid))) this.oracle.violate(`node ${id} has the places ${order}`);
      }
      for (const key of keys.keys('string').filter((each) => each.includes(':rwlock_timeout:'))) {
        if (living.some((uuid) => key.includes(uuid))) this.oracle.violate(`node ${id} still has ${key}`);
      }
    }
  }

  private checkNodes(): void {
    for (const server of this.nodes) {
      const { keys, id, subscriptions } = server;
      const left: string[] = NAMES.filter((name) => this.view.owners(server, name).length > 0);
      left.push(...this.placesOf(keys));
      if (left.length > 0) this.oracle.violate(`node ${id} still has ${left.join()}`);
      const eternal = (['string', 'list', 'zset'] as const)
        .flatMap((type) => keys.keys(type))
        .filter((key) => keys.pttl(key) < 0);
      if (eternal.length > 0) this.oracle.violate(`node ${id} keeps ${eternal.join()} for ever`);
      if (subscriptions.length > 0) this.oracle.violate(`node ${id} still has subscribers to ${subscriptions.join()}`);
    }
  }

  /** Hashes that are neither locks nor known, and places of waiters that nobody needs any more. */
  private placesOf(keys: LockServer['keys']): string[] {
    const living = this.living().flatMap(({ process }) => process.ids.map((id) => id.replaceAll('-', '').slice(0, 18)));
    return keys.keys('hash').flatMap((key) => {
      if (!isSideKey(key)) return NAMES.some((name) => key === `lock:${name}`) ? [] : [key];
      if (this.oracle.broughtBack) return [];
      // Those of processes that were killed go with the next acquisition.
      const [, places = ''] = keys.hgetall(key).find(([field]) => field === 'w') ?? [];
      return living.some((id) => places.includes(id)) ? [`${key} ${places}`] : [];
    });
  }

  private checkClosed(): void {
    for (const { process, clients } of this.living()) {
      // A caller's client is its own to close.
      for (const client of clients) if (!client.ours) client.disconnect();
      if (process.timers.size > 0) this.oracle.violate(`process ${process.id} still has ${process.timers.size} timers`);
      const listeners = clients.reduce((sum, client) => sum + client.listenerCount, 0);
      if (listeners > 0) this.oracle.violate(`process ${process.id} still listens to its clients (${listeners})`);
      const open = clients.filter(({ status }) => status !== 'end').length;
      if (open > 0) this.oracle.violate(`process ${process.id} left ${open} connections open`);
    }
  }
}

function ownersOf(service: object): string[] {
  const { held } = leasesOf(service, 'callerHolds') as { held: { entries(): { hold: { owner: string } }[] } };
  return held.entries().map(({ hold }) => hold.owner);
}

export interface SimWaiter {
  readonly request: { readonly mode?: 'read' | 'write' };
}

/** What the checks read of a local queue. */
export interface SimQueue {
  readonly name: string;
  readonly waiting: number;
  readonly hold: { readonly mode?: 'read' | 'write' } | null;
  readonly waiters: {
    readonly writers: number;
    readonly loops: number;
    readonly first: SimWaiter | null;
    readonly loop: { readonly owner: string } | null;
  };
}

/** The local queues of a name: of a fair lock each caller has one. */
function queuesIn(service: object, kind: string, name: string): SimQueue[] {
  const queues = leasesOf(service, 'queues') as Record<string, { queues: Map<string, SimQueue> }>;
  return [...(queues[kind]?.queues.values() ?? [])].filter((queue) => queue.name === name);
}

function leasesOf(service: object, part: string): unknown {
  return Reflect.get(Reflect.get(service, 'leases') as object, part);
}
