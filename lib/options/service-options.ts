import type { ClusterNode, ClusterOptions, RedisOptions } from 'ioredis';
import { LockConfigError } from './errors/index.js';
import { MemoryState } from './stores/memory/memory-state.js';
import { checkClusterNode, checkRedisOptions, checkUrl } from './redis-target.js';
import { show } from './show-value.js';
import type { CallersClient } from './stores/redis/redis-client.js';
import type { LockLogger } from './telemetry/reporter.js';

/** Where the locks live: exactly one of these. */
export type LockConnection =
  /** A Redis URL; the connection is ours to close. */
  | { readonly url: string }
  /** ioredis options, Sentinel's too; the connection is ours to close. */
  | { readonly redis: RedisOptions }
  /** A Redis Cluster, by some of its nodes and ioredis's cluster options; the connections are ours to close. */
  | { readonly cluster: { readonly nodes: readonly ClusterNode[]; readonly options?: ClusterOptions } }
  /**
   * Several independent Redis, each a URL or ioredis options: a lock is held when a majority says so. 3 to 15, an odd
   * number is recommended; the connections are ours to close.
   */
  | { readonly nodes: readonly (string | RedisOptions)[] }
  /** Your own ioredis client, of one server or a cluster. It is never closed here; a second connection for notices is made from it. */
  | { readonly client: CallersClient }
  /** This process's memory, for tests. A `MemoryState` is shared by all services that are given it. */
  | { readonly memory: true | MemoryState };

/** Settings of a lock service; every duration is in ms. */
export interface LockSettings {
  /** The length of a lease that renews itself, renewed at a third of it. Default 30 000. */
  readonly leaseMs?: number;
  /** How long callers wait for a taken lock unless they say otherwise. Default 10 000. */
  readonly wait?: number;
  /** Put before every name, in keys and in channels. Default `lock:`. */
  readonly keyPrefix?: string;
  /** How many callers may wait for one name in this process. Default 10 000. */
  readonly maxWaiting?: number;
  /** How long one request to Redis may take. Default 1 000, and never above a third of the lease. */
  readonly commandTimeout?: number;
  /** How long this process passes a lock on among its own callers before other processes get it. Default 50. */
  readonly handOverMs?: number;
  /** How many of its own callers it serves in that time at most. Default 1 000. */
  readonly handOverCount?: number;
  /** How long a fencing token is remembered in Redis after its last use. Default 24 hours. */
  readonly tokenTtl?: number;
  /**
   * How many replicas have to acknowledge a lock and each renewal (`WAIT`), unless a caller says otherwise. 0 to 100.
   * Default 0.
   */
  readonly minReplicas?: number;
  /**
   * Only with `nodes`: how long a server must have been up to have a vote, since it may have forgotten locks when it was
   * restarted. No lease may be longer. The same in every service that uses the nodes; 0 if they lose nothing in a restart
   * (AOF with `appendfsync always`). Default `leaseMs` + 1 000.
   */
  readonly restartGuard?: number;
  /**
   * `require`: start-up fails with `LockUnavailableError` if Redis cannot be reached in `startupTimeout`, or denies a
   * right that locks need. `background`: start-up does not wait for Redis. Default `require`.
   */
  readonly startup?: 'require' | 'background';
  /** Default 5 000. */
  readonly startupTimeout?: number;
  /** How long a shutdown waits for running sections before their signals are aborted. Default 10 000. */
  readonly shutdownTimeout?: number;
  /**
   * Gets one line for what an operator should know: a lost lock, failing renewals, a background start without Redis, a
   * shutdown that waits. Any object with a method `warn(message)`, or `false` for none. Default: Nest's `Logger` in
   * `RedisLockModule`, none without Nest.
   */
  readonly logger?: LockLogger | false;
}

/**
 * Options of `RedisLockModule.forRoot` and `createLockService`.
 *
 * @publicApi
 */
export type LockServiceOptions = LockConnection & LockSettings;

export { show } from './show-value.js';

/** Settings with every default filled in. */
export type ResolvedSettings = Required<LockSettings>;

const DAY_MS = 86_400_000;

/** The longest lease and the longest time limit, in ms. */
export const MAX_LEASE_MS = DAY_MS;
/** A shorter lease would be used up by the drift allowance and the way to Redis. */
export const MIN_LEASE_MS = 10;
const MAX_MS = 2 ** 31 - 1;
const MAX_REPLICAS = 100;
const MAX_PREFIX_BYTES = 256;
const MIN_NODES = 3;
const MAX_NODES = 15;

const CONNECTIONS = ['url', 'redis', 'cluster', 'nodes', 'client', 'memory'] as const;
/** Options of an ioredis client that are easily given in the place of `redis`. */
const REDIS_OPTIONS = ['host', 'port', 'path', 'username', 'password', 'db', 'tls', 'sentinels'];
const SETTINGS = [
  'leaseMs',
  'wait',
  'keyPrefix',
  'maxWaiting',
  'commandTimeout',
  'handOverMs',
  'handOverCount',
  'tokenTtl',
  'minReplicas',
  'restartGuard',
  'startup',
  'startupTimeout',
  'shutdownTimeout',
  'logger',
] as const satisfies readonly (keyof LockSettings)[];

/**
 * Checks options at start-up and fills in the defaults.
 *
 * @throws LockConfigError that names the option
 */
export function resolveSettings(options: LockServiceOptions): ResolvedSettings {
  checkShape(options);
  const leaseMs = checkLease('leaseMs', options.leaseMs ?? 30_000);
  const keyPrefix: unknown = options.keyPrefix ?? 'lock:';
  if (typeof keyPrefix !== 'string' || !keyPrefix.isWellFormed() || Buffer.byteLength(keyPrefix) > MAX_PREFIX_BYTES) {
    throw new LockConfigError(`"keyPrefix" must be a string of at most ${String(MAX_PREFIX_BYTES)} bytes.`);
  }
  const startup: unknown = options.startup ?? 'require';
  if (startup !== 'require' && startup !== 'background') {
    throw new LockConfigError(`"startup" must be 'require' or 'background', but is ${show(startup)}.`);
  }
  const commandTimeout = checkWhole('commandTimeout', options.commandTimeout ?? 1_000, 1, MAX_MS);
  return {
    leaseMs,
    wait: checkWait('wait', options.wait ?? 10_000),
    keyPrefix,
    maxWaiting: checkWhole('maxWaiting', options.maxWaiting ?? 10_000, 1, MAX_MS),
    commandTimeout: Math.max(1, Math.min(commandTimeout, Math.floor(leaseMs / 3))),
    handOverMs: checkWhole('handOverMs', options.handOverMs ?? 50, 0, MAX_LEASE_MS),
    handOverCount: checkWhole('handOverCount', options.handOverCount ?? 1_000, 1, 1_000),
    tokenTtl: checkWhole('tokenTtl', options.tokenTtl ?? DAY_MS, 60_000, 365 * DAY_MS),
    minReplicas: checkMinReplicas(options.minReplicas ?? 0),
    restartGuard: checkGuard(options, leaseMs),
    startup,
    startupTimeout: checkWhole('startupTimeout', options.startupTimeout ?? 5_000, 1, MAX_MS),
    shutdownTimeout: checkWhole('shutdownTimeout', options.shutdownTimeout ?? 10_000, 0, MAX_MS),
    logger: checkLogger(options.logger ?? false),
  };
}

/** A time to wait: 0 or more whole ms, or `Infinity`. */
export function checkWait(option: string, value: unknown): number {
  return value === Infinity ? Infinity : checkWhole(option, value, 0, MAX_MS);
}

/** A length of a lease. */
export function checkLease(option: string, value: unknown): number {
  return checkWhole(option, value, MIN_LEASE_MS, MAX_LEASE_MS);
}

/** A number of replicas. */
export function checkMinReplicas(value: unknown): number {
  return checkWhole('minReplicas', value, 0, MAX_REPLICAS);
}

export function checkWhole(option: string, value: unknown, min: number, max: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
  throw new LockConfigError(
    `"${option}" must be a whole number from ${String(min)} to ${String(max)}, but is ${show(value)}.`,
  );
}

/** Refuses names that are no options: a misspelt option must not be silently without effect. */
export function checkKnown(what: string, value: object, known: readonly string[]): void {
  const unknown = Object.keys(value).find((key) => !known.includes(key));
  if (unknown === undefined) return;
  throw new LockConfigError(`${what} has no option "${unknown}". Known: ${known.join(', ')}.`);
}

function checkLogger(logger: unknown): LockLogger | false {
  if (logger === false) return false;
  if (typeof logger === 'object' && logger !== null && typeof Reflect.get(logger, 'warn') === 'function') {
    return logger as LockLogger;
  }
  throw new LockConfigError(`"logger" must be false or an object with a method warn(message), but is ${show(logger)}.`);
}

function checkGuard(options: LockServiceOptions, leaseMs: number): number {
  const { restartGuard } = options;
  if (restartGuard === undefined) return leaseMs + 1_000;
  if (!('nodes' in options)) throw new LockConfigError('"restartGuard" is an option of several "nodes" only.');
  if (restartGuard !== 0 && restartGuard < leaseMs) {
    throw new LockConfigError(
      `"restartGuard" (${show(restartGuard)}) must be 0, or not below "leaseMs" (${String(leaseMs)}).`,
    );
  }
  return checkWhole('restartGuard', restartGuard, 0, MAX_LEASE_MS);
}

function checkCluster(cluster: unknown): void {
  if (typeof cluster !== 'object' || cluster === null) {
    throw new LockConfigError('"cluster" must be an object: { nodes: [url | { host, port }, …], options }.');
  }
  checkKnown('"cluster"', cluster, ['nodes', 'options']);
  const { nodes, options } = cluster as Record<string, unknown>;
  if (!Array.isArray(nodes) || nodes.length === 0) {
    throw new LockConfigError('"cluster" needs at least one of its nodes in "nodes".');
  }
  for (const node of nodes as unknown[]) checkClusterNode('cluster.nodes', node);
  if (options === undefined) return;
  if (typeof options !== 'object' || options === null) {
    throw new LockConfigError('"options" of "cluster" must be an object of ioredis options.');
  }
  const redisOptions: unknown = Reflect.get(options, 'redisOptions');
  if (redisOptions !== undefined) checkRedisOptions('cluster.options.redisOptions', redisOptions);
}

function checkNodes(nodes: unknown): void {
  if (!Array.isArray(nodes) || nodes.length < MIN_NODES || nodes.length > MAX_NODES) {
    throw new LockConfigError(
      `"nodes" must be a list of ${String(MIN_NODES)} to ${String(MAX_NODES)} Redis servers; an odd number is recommended.`,
    );
  }
  for (const node of nodes as unknown[]) {
    if (typeof node === 'string' || node === undefined) checkUrl('nodes', node);
    else if (typeof node === 'object' && node !== null) checkRedisOptions('nodes', node);
    else {
      throw new LockConfigError(
        `Each of "nodes" must be a URL or an object of ioredis options, but one is ${show(node)}.`,
      );
    }
  }
  const urls = nodes.filter((node) => typeof node === 'string');
  if (new Set(urls).size < urls.length)
    throw new LockConfigError('"nodes" names a server twice: it would have two votes.');
}

/** Options without a server: an unset environment variable, or the server's options in the wrong place. */
function checkMistaken(options: object): void {
  const unset = CONNECTIONS.find((key) => key in options);
  if (unset !== undefined) throw new LockConfigError(`"${unset}" is undefined. Is the environment variable set?`);
  const misplaced = REDIS_OPTIONS.find((key) => key in options);
  if (misplaced === undefined) return;
  throw new LockConfigError(
    `"${misplaced}" is an option of the Redis client. Write { redis: { host, port } }, or { url: 'redis://host:6379' }.`,
  );
}

function checkShape(options: unknown): asserts options is LockServiceOptions {
  if (typeof options !== 'object' || options === null) throw new LockConfigError('The lock options must be an object.');
  const given = CONNECTIONS.filter((key) => Reflect.get(options, key) !== undefined);
  if (given.length === 0) checkMistaken(options);
  if (given.length !== 1) {
    const what = given.length === 0 ? 'none is given' : `these are given: ${given.join(', ')}`;
    throw new LockConfigError(`Exactly one of ${CONNECTIONS.join(', ')} is needed, but ${what}.`);
  }
  checkKnown('The lock module', options, [...CONNECTIONS, ...SETTINGS]);
  const [key] = given;
  const value: unknown = Reflect.get(options, key as string);
  if (key === 'url') checkUrl('url', value);
  if (key === 'cluster') checkCluster(value);
  if (key === 'nodes') checkNodes(value);
  if (key === 'redis') checkRedisOptions('redis', value);
  if (key === 'memory' && value !== true && !(value instanceof MemoryState)) {
    throw new LockConfigError('"memory" must be true or a MemoryState.');
  }
}
