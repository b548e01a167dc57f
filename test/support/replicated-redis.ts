import { RedisServer } from './redis-node.js';
import { waitUntil } from './wait-until.js';

/** Replicas that are sent the data at once and not by way of the disk. */
export const promptReplication = ['--repl-diskless-sync', 'yes', '--repl-diskless-sync-delay', '0'] as const;

/** A master with replicas that are in sync, without anybody who would elect a new master. */
export class ReplicatedRedis implements AsyncDisposable {
  private constructor(
    readonly master: RedisServer,
    readonly replicas: readonly RedisServer[],
  ) {}

  /** `settings` go to all of them. */
  static async start(replicas: number, ...settings: string[]): Promise<ReplicatedRedis> {
    const servers: RedisServer[] = [];
    try {
      const master = await RedisServer.start(...promptReplication, ...settings);
      servers.push(master);
      for (let index = 0; index < replicas; index += 1) {
        servers.push(await RedisServer.start(...promptReplication, ...settings, ...replicaOf(master)));
      }
      const set = new ReplicatedRedis(master, servers.slice(1));
      await set.untilInSync();
      return set;
    } catch (error) {
      await stopAllOf(servers);
      throw error;
    }
  }

  get servers(): readonly RedisServer[] {
    return [this.master, ...this.replicas];
  }

  get url(): string {
    return this.master.url;
  }

  /** Waits until every replica is connected and has all that the master has written. */
  async untilInSync(): Promise<void> {
    await waitUntil('the replicas are in sync', () => isInSync(this.master, this.replicas.length));
  }

  async stop(): Promise<void> {
    await stopAllOf(this.servers);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** The settings of a replica of `master`. */
export function replicaOf(master: RedisServer): string[] {
  return ['--replicaof', '127.0.0.1', String(master.port)];
}

/** Whether at least `count` replicas of `master` are online and have what it had written when this was asked. */
export async function isInSync(master: RedisServer, count: number): Promise<boolean> {
  const client = master.client({ commandTimeout: 2_000, maxRetriesPerRequest: 1 });
  try {
    // WAIT is about what was written before the connection's last command.
    await client.ping();
    return (await client.wait(count, 1_000)) >= count;
  } catch {
    return false;
  } finally {
    client.disconnect();
  }
}

export async function stopAllOf(servers: readonly { stop(): Promise<void> }[]): Promise<void> {
  await Promise.all(servers.map((server) => server.stop()));
}
