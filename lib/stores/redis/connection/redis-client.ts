/** An argument of a command. */
export type RedisArgument = string | number;

/**
 * The members of an ioredis client that the library uses. It is not the class of ioredis, since the caller may use
 * another copy or another major version of ioredis.
 */
export interface RedisClient {
  readonly status: string;
  readonly options?: {
    readonly keyPrefix?: string | undefined;
    readonly sentinels?: unknown;
    readonly reconnectOnError?: ((error: Error) => unknown) | null | undefined;
  };
  call(command: string, ...args: RedisArgument[]): Promise<unknown>;
  connect(): Promise<unknown>;
  disconnect(reconnect?: boolean): void;
  on(event: string, listener: (...args: unknown[]) => void): unknown;
  off(event: string, listener: (...args: unknown[]) => void): unknown;
  getMaxListeners?(): number;
  setMaxListeners?(count: number): unknown;
  duplicate(override?: Record<string, unknown>): RedisClient;
}

/** A client that a caller may pass: of one server, or of a cluster. */
export type CallersClient =
  RedisClient | (Omit<RedisClient, 'duplicate'> & { readonly isCluster: boolean; nodes(role?: 'master'): unknown[] });

const METHODS = ['call', 'connect', 'disconnect', 'on', 'off', 'duplicate'] as const;

/** @internal Whether `value` can be used as a client. */
export function isRedisClient(value: unknown): value is RedisClient {
  if (typeof value !== 'object' || value === null) return false;
  return (
    typeof Reflect.get(value, 'status') === 'string' &&
    METHODS.every((name) => typeof Reflect.get(value, name) === 'function')
  );
}

/**
 * @internal Node warns of a leak when a client has more than ten listeners for one event; each service on a caller's
 * client has some.
 */
export function allowListeners(client: Pick<RedisClient, 'getMaxListeners' | 'setMaxListeners'>, more: number): void {
  const limit = client.getMaxListeners?.() ?? 0;
  // 0 is no limit.
  if (limit > 0) client.setMaxListeners?.(limit + more);
}
