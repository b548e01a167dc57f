import { isRedisClient, type RedisClient } from './redis-client.js';

/** The members of an ioredis Cluster client that the library uses, beyond those of any client. */
export interface ClusterClient extends RedisClient {
  readonly isCluster: true;
  readonly options?: RedisClient['options'] & { readonly natMap?: NatMap | null | undefined };
  /** The addresses of the nodes of each slot, the master first. ioredis does not document it, so it may be missing. */
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
