import type { RedisServer } from './redis-node.js';
import { isInSync, replicaOf, ReplicatedRedis } from './replicated-redis.js';
import { SentinelProcess } from './sentinel-process.js';
import { waitUntil } from './wait-until.js';

export interface SentinelSetOptions {
  /** Default 2. */
  readonly replicas?: number;
  /** Default 500 ms. */
  readonly downAfterMs?: number;
  /** Default 2 000 ms. A second failover of one master is begun twice this after the first at the earliest. */
  readonly failoverTimeoutMs?: number;
  /** Of all Redis nodes: `['--min-replicas-to-write', '1']`. */
  readonly settings?: readonly string[];
}

const QUORUM = 2;
const SENTINELS = 3;
/** An old master is made a replica about ten seconds after a failover. */
const LIMIT_MS = 120_000;

/** A master with replicas, watched by three sentinels of which two must agree. */
export class SentinelSet implements AsyncDisposable {
  readonly name = 'locks';

  private constructor(
    private readonly redis: ReplicatedRedis,
    readonly processes: readonly SentinelProcess[],
  ) {}

  static async start(options: SentinelSetOptions = {}): Promise<SentinelSet> {
    const { replicas = 2, downAfterMs = 500, failoverTimeoutMs = 2_000, settings = [] } = options;
    const redis = await ReplicatedRedis.start(replicas, ...settings);
    const processes: SentinelProcess[] = [];
    try {
      const masterPort = redis.master.port;
      const watch = { name: 'locks', masterPort, quorum: QUORUM, downAfterMs, failoverTimeoutMs };
      for (let index = 0; index < SENTINELS; index += 1) processes.push(await SentinelProcess.start(watch));
      const set = new SentinelSet(redis, processes);
      await set.untilReady();
      return set;
    } catch (error) {
      await Promise.all([...processes, redis].map((each) => each.stop()));
      throw error;
    }
  }

  /** For ioredis: `{ sentinels, name }`. */
  get sentinels(): { host: string; port: number }[] {
    return this.processes.map(({ port }) => ({ host: '127.0.0.1', port }));
  }

  /** All Redis nodes, whatever they are now. */
  get servers(): readonly RedisServer[] {
    return this.redis.servers;
  }

  /** The master that at least two sentinels name, if there is one. */
  async agreedMaster(): Promise<RedisServer | undefined> {
    const votes = new Map<number, number>();
    await Promise.all(
      this.processes.map(async ({ admin, running }) => {
        if (!running) return;
        const reply = await admin.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', this.name).catch(() => null);
        const port = Number((reply as [string, string] | null)?.[1]);
        votes.set(port, (votes.get(port) ?? 0) + 1);
      }),
    );
    return this.servers.find(({ port }) => (votes.get(port) ?? 0) >= QUORUM);
  }

  /** The node that sentinels agree on and that takes itself for the master as well. */
  async master(): Promise<RedisServer> {
    return (await waitUntil('there is a master', () => this.confirmedMaster(), LIMIT_MS))!;
  }

  async replicas(): Promise<RedisServer[]> {
    const master = await this.master();
    return this.servers.filter((server) => server !== master);
  }

  /** Has the sentinels make another node the master, and waits until they have. The old one becomes its replica. */
  async failover(): Promise<RedisServer> {
    const old = await this.master();
    await waitUntil('a sentinel begins a failover', () => this.beginFailover(), LIMIT_MS);
    return this.untilNewMaster(old);
  }

  /** Waits until the sentinels agree on a master other than `old`. */
  async untilNewMaster(old: RedisServer): Promise<RedisServer> {
    const ask = async (): Promise<RedisServer | undefined> => {
      const master = await this.confirmedMaster();
      return master === old ? undefined : master;
    };
    return (await waitUntil('there is a new master', ask, LIMIT_MS))!;
  }

  /** Starts a killed node again, empty, as a replica of the present master. */
  async bringBack(server: RedisServer): Promise<void> {
    const master = await this.master();
    if (master === server) throw new Error('This node is the master: wait for the failover first.');
    await server.restart(...replicaOf(master));
  }

  /** Waits until there is a master, all others are its replicas in sync, and every sentinel knows all of them. */
  async untilReady(): Promise<void> {
    const others = this.servers.length - 1;
    // Asked anew each time: a failover may be under way.
    const inSync = async (): Promise<boolean> => {
      const master = await this.confirmedMaster();
      return master !== undefined && (await isInSync(master, others));
    };
    await waitUntil('there is a master and its replicas are in sync', inSync, LIMIT_MS);
    const known = async (): Promise<boolean> => {
      const answers = await Promise.all(this.processes.map((sentinel) => this.known(sentinel)));
      return answers.every(({ replicas, sentinels }) => replicas >= others && sentinels >= SENTINELS - 1);
    };
    await waitUntil('all sentinels know all nodes and each other', known, LIMIT_MS);
  }

  async stop(): Promise<void> {
    // Sentinels first: they would begin a failover.
    await Promise.all(this.processes.map((sentinel) => sentinel.stop()));
    await this.redis.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  private async confirmedMaster(): Promise<RedisServer | undefined> {
    const master = await this.agreedMaster();
    if (master?.running !== true) return undefined;
    const client = master.client({ commandTimeout: 1_000, maxRetriesPerRequest: 1 });
    try {
      const [role] = (await client.role()) as [string];
      return role === 'master' ? master : undefined;
    } catch {
      return undefined;
    } finally {
      client.disconnect();
    }
  }

  private async beginFailover(): Promise<boolean> {
    for (const { admin, running } of this.processes) {
      // NOGOODSLAVE or INPROG: another sentinel, or in a moment.
      if (running && (await admin.call('SENTINEL', 'FAILOVER', this.name).catch(() => null)) === 'OK') return true;
    }
    return false;
  }

  private async known(sentinel: SentinelProcess): Promise<{ replicas: number; sentinels: number }> {
    const list = (await sentinel.admin.call('SENTINEL', 'MASTERS').catch(() => [])) as (string[] | object)[];
    // RESP3 answers with maps, RESP2 with flat lists.
    const [first = {}] = list;
    const fields = Array.isArray(first)
      ? Object.fromEntries(first.flatMap((key, index) => (index % 2 === 0 ? [[key, first[index + 1]]] : [])))
      : (first as Record<string, string>);
    return { replicas: Number(fields['num-slaves'] ?? 0), sentinels: Number(fields['num-other-sentinels'] ?? 0) };
  }
}
