import { isRedisClient, type RedisClient } from './redis-client.js';

/** What the library needs of an ioredis Cluster client, beyond what any client has. */
export interface ClusterClient extends RedisClient {
  readonly isCluster: true;
  readonly options?: RedisClient['options'] & { readonly natMap?: NatMap | null | undefined };
  /** By slot, the addresses of the nodes that serve it, the master first. Not documented by ioredis: only a hint. */
  readonly slots?: readonly (readonly string[] | undefined)[];
  nodes(role: 'all' | 'master'): ClusterNodeClient[];
  duplicate(nodes?: readonly unknown[] | Record<string, unknown>, options?: Record<string, unknown>): RedisClient;
  refreshSlotsCache(callback?: (error?: unknown) => void): void;
  quit(): Promise<unknown>;
}

interface Address {
  readonly host: string;
  readonly port: number;
}

type NatMap = Readonly<Record<string, Address>> | ((address: string) => Address | null | undefined);

/** The client of one node of a cluster. */
export interface ClusterNodeClient extends Omit<RedisClient, 'options'> {
  readonly options: { readonly host?: string; readonly port?: number; readonly keyPrefix?: string | undefined };
}

export function isClusterClient(client: unknown): client is ClusterClient {
  return (
    isRedisClient(client) &&
    Reflect.get(client, 'isCluster') === true &&
    ['nodes', 'refreshSlotsCache', 'quit'].every((name) => typeof Reflect.get(client, name) === 'function')
  );
}
