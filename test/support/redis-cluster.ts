import type { Redis } from 'ioredis';
import { clusterInfo, clusterNodes, serves, type ClusterLine } from './cluster-view.js';
import { freeClusterPort } from './cluster-port.js';
import { RedisServer } from './redis-node.js';
import { promptReplication, stopAllOf } from './replicated-redis.js';
import { SlotMigration } from './slot-migration.js';
import { waitUntil } from './wait-until.js';

export interface RedisClusterOptions {
  /** Default 3. */
  readonly masters?: number;
  /** Of each master. Default 1. */
  readonly replicas?: number;
  /** How long a node has to be silent to be down, ms. Default 1 500. */
  readonly nodeTimeoutMs?: number;
  readonly settings?: readonly string[];
}

export interface ClusterNode {
  readonly server: RedisServer;
  readonly id: string;
  readonly admin: Redis;
}

const SLOTS = 16_384;

/** A Redis Cluster on loopback. */
export class RedisCluster implements AsyncDisposable {
  private constructor(readonly members: readonly ClusterNode[]) {}

  static async start(options: RedisClusterOptions = {}): Promise<RedisCluster> {
    const { masters = 3, replicas = 1, nodeTimeoutMs = 1_500, settings = [] } = options;
    const all = [
      ...promptReplication,
      ...['--cluster-enabled', 'yes', '--cluster-node-timeout', String(nodeTimeoutMs)],
      // A replica is elected however long it has not heard from its master, and stays with its master.
      ...['--cluster-replica-validity-factor', '0', '--cluster-allow-replica-migration', 'no'],
      ...settings,
    ];
    const members: ClusterNode[] = [];
    try {
      for (let index = 0; index < masters * (1 + replicas); index += 1) members.push(await startMember(all));
      await join(members, masters);
      const cluster = new RedisCluster(members);
      await cluster.untilReady();
      return cluster;
    } catch (error) {
      await stopAllOf(members.map(({ server }) => server));
      throw error;
    }
  }

  /** Start nodes for ioredis. */
  get nodes(): { host: string; port: number }[] {
    return this.members.map(({ server }) => ({ host: '127.0.0.1', port: server.port }));
  }

  get servers(): readonly RedisServer[] {
    return this.members.map(({ server }) => server);
  }

  async slotOf(key: string): Promise<number> {
    return this.askAny(async ({ admin }) => admin.cluster('KEYSLOT', key));
  }

  /** The master of a slot, or of a key's slot, as the nodes that answer see it. */
  async masterOf(key: string | number): Promise<ClusterNode> {
    const slot = typeof key === 'number' ? key : await this.slotOf(key);
    return (await waitUntil(`slot ${slot} has a master`, async () => {
      const lines = await this.view();
      return this.memberOf(lines.find((line) => line.master && !line.failed && serves(line, slot)));
    }))!;
  }

  async replicasOf(key: string | number): Promise<ClusterNode[]> {
    const master = await this.masterOf(key);
    const lines = await this.view();
    return lines.filter(({ masterId }) => masterId === master.id).map((line) => this.memberOf(line)!);
  }

  /** Makes a replica of this key's slot its master, while the old one lives, and waits until all nodes know it. */
  async failover(key: string | number): Promise<ClusterNode> {
    const old = await this.masterOf(key);
    const [replica] = await this.replicasOf(key);
    await waitUntil('the replica is the master', async () => {
      await replica!.admin.cluster('FAILOVER', 'TAKEOVER').catch(() => undefined);
      return (await this.masterOf(key)) !== old;
    });
    await this.untilReady();
    return this.masterOf(key);
  }

  /** Waits until this slot has another master than `old`. */
  async untilNewMaster(key: string | number, old: ClusterNode): Promise<ClusterNode> {
    return (await waitUntil('the slot has a new master', async () => {
      const master = await this.masterOf(key);
      return master === old ? undefined : master;
    }))!;
  }

  /** The move of a slot to another master, in steps: `begin`, `moveKeys`, `finish`. */
  async migration(slot: number, to: ClusterNode): Promise<SlotMigration> {
    return new SlotMigration(slot, await this.masterOf(slot), to, this.members);
  }

  async migrateSlot(slot: number, to: ClusterNode): Promise<void> {
    const migration = await this.migration(slot, to);
    await migration.begin();
    await migration.moveKeys();
    await migration.finish();
  }

  /** Masters as the nodes that answer see them. */
  async masters(): Promise<ClusterNode[]> {
    const lines = await this.view();
    return lines.filter(({ master, failed }) => master && !failed).map((line) => this.memberOf(line)!);
  }

  /** Waits until every running node finds the cluster in order, and all agree on it. */
  async untilReady(): Promise<void> {
    await waitUntil(
      'the cluster is in order',
      async () => {
        const views = await Promise.all(this.running.map(viewOf));
        return views.every((view) => view !== undefined && view === views[0]);
      },
      60_000,
    );
  }

  async stop(): Promise<void> {
    await stopAllOf(this.servers);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  private get running(): ClusterNode[] {
    return this.members.filter(({ server }) => server.running);
  }

  private memberOf(line: ClusterLine | undefined): ClusterNode | undefined {
    return this.members.find(({ id }) => id === line?.id);
  }

  /** What most of the nodes that answer say of who serves what: one may not know yet. */
  private async view(): Promise<ClusterLine[]> {
    return waitUntil('a cluster node answers', async () => {
      const views = await Promise.all(this.running.map(({ admin }) => clusterNodes(admin).catch(() => undefined)));
      const counted = new Map<string, { lines: ClusterLine[]; votes: number }>();
      for (const lines of views) {
        if (lines === undefined) continue;
        const entry = counted.get(fingerprint(lines)) ?? { lines, votes: 0 };
        entry.votes += 1;
        counted.set(fingerprint(lines), entry);
      }
      return [...counted.values()].sort((a, b) => b.votes - a.votes)[0]?.lines;
    }) as Promise<ClusterLine[]>;
  }

  private async askAny<T>(ask: (node: ClusterNode) => Promise<T>): Promise<T> {
    return (await waitUntil('a cluster node answers', async () => {
      return Promise.any(this.running.map(async (node) => ({ answer: await ask(node) }))).catch(() => undefined);
    }))!.answer;
  }
}

async function startMember(settings: readonly string[]): Promise<ClusterNode> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const server = await RedisServer.startWith({ port: await freeClusterPort() }, ...settings);
      const admin = server.client({ commandTimeout: 2_000, maxRetriesPerRequest: 1 });
      return { server, admin, id: await admin.cluster('MYID') };
    } catch (error) {
      // Somebody else took one of the two ports.
      if (attempt === 5 || !/address already in use|could not create/i.test(String(error))) throw error;
    }
  }
}

async function join(members: readonly ClusterNode[], masters: number): Promise<void> {
  for (const [index, { admin }] of members.entries()) {
    await admin.cluster('SET-CONFIG-EPOCH', String(index + 1));
    if (index >= masters) continue;
    const slots = range(Math.floor((index * SLOTS) / masters), Math.floor(((index + 1) * SLOTS) / masters));
    await admin.cluster('ADDSLOTS', ...slots);
  }
  for (const { server } of members.slice(1)) {
    await members[0]!.admin.cluster('MEET', '127.0.0.1', String(server.port));
  }
  await waitUntil('all nodes know each other', async () => {
    // By its name: a node that still shakes hands is counted under another one.
    const known = await Promise.all(members.map(async ({ admin }) => clusterNodes(admin)));
    return known.every((lines) => members.every(({ id }) => lines.some((line) => line.id === id)));
  });
  for (const [index, { admin }] of members.entries()) {
    if (index >= masters) await admin.cluster('REPLICATE', members[index % masters]!.id);
  }
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, index) => from + index);

const fingerprint = (lines: readonly ClusterLine[]): string =>
  lines
    .map(({ id, master, failed, masterId, slots }) => JSON.stringify([id, master, failed, masterId ?? '', slots]))
    .sort()
    .join();

/** A node's view of the cluster as a text to compare; `undefined` when it finds something out of order. */
async function viewOf({ admin }: ClusterNode): Promise<string | undefined> {
  try {
    const info = await clusterInfo(admin);
    const lines = await clusterNodes(admin);
    const replication = await admin.info('replication');
    const linked = replication.includes('role:master') || replication.includes('master_link_status:up');
    if (info.cluster_state !== 'ok' || info.cluster_slots_ok !== String(SLOTS) || !linked) return undefined;
    return lines.some(({ failed }) => failed) ? undefined : fingerprint(lines);
  } catch {
    return undefined;
  }
}
