import { Cluster, Redis, type ClusterNode, type ClusterOptions, type RedisOptions } from 'ioredis';
import { inServiceContext } from '../../../context/service-context.js';
import { LockConfigError } from '../../../errors/index.js';
import type { Reporter } from '../../../telemetry/reporter.js';
import { databaseOf } from './client-database.js';
import { checkClientOptions, type OptionsOf } from './client-options.js';
import { followCredentials } from './credentials.js';
import { isRedisClient, type RedisClient } from './redis-client.js';

/** A client of one of several nodes, how its connection for notifications is made, and its address without a password. */
export interface OpenNode {
  readonly label: string;
  readonly client: RedisClient;
  readonly openSubscriber: () => RedisClient;
}

const MAX_RECONNECT_DELAY_MS = 1_000;
/** ioredis keeps a timer this long after a disconnect, also where nothing was connected: a process could not end. */
const DISCONNECT_TIMEOUT_MS = 100;

/** Reconnects for as long as the service lives; what to do meanwhile is decided request by request. */
function retryStrategy(attempt: number): number {
  return Math.min(attempt * 50, MAX_RECONNECT_DELAY_MS);
}

/** How long a Sentinel may take to answer: one that is stopped or cut off must not keep us from asking the next, in ms. */
const SENTINEL_TIMEOUT_MS = 1_000;

/** Sentinels announce a failover, so that a connection to a master that is stopped or cut off is left at once. */
const WITH_SENTINELS: RedisOptions = { failoverDetector: true, sentinelCommandTimeout: SENTINEL_TIMEOUT_MS };

/** A node that is cut off is not waited for long: the cluster may have put another in its place. */
const NODE_CONNECT_TIMEOUT_MS = 2_000;

/**
 * While a hash slot moves, ioredis repeats a call with several of its locks up to 16 times, though only calls with one lock
 * can succeed: the library sends those as soon as ioredis gives up. In ms.
 */
const TRY_AGAIN_PAUSE_MS = 10;

const OWN_CLIENT: RedisOptions = {
  retryStrategy,
  disconnectTimeout: DISCONNECT_TIMEOUT_MS,
  connectionName: 'nestjs-redis-lock',
};

/** Options by which ioredis would send requests later or again, or would discard their replies. No caller sets them. */
const FIXED: RedisOptions = {
  // The lock decides what to do about a request whose connection broke.
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: null,
  reconnectOnError: null,
  enableAutoPipelining: false,
  // A late reply counts.
  commandTimeout: undefined,
  stringNumbers: false,
};
/** Silent connections to one server are replaced here, and WAIT may be silent for long. */
const FIXED_FOR_ONE: RedisOptions = { ...FIXED, socketTimeout: undefined };

/**
 * Opens a client of our own. It starts to connect at once.
 *
 * @throws LockConfigError if its options cannot be used; nothing stays open then
 */
export function openClient(target: string | RedisOptions, more: RedisOptions = {}): RedisClient {
  const own = { ...OWN_CLIENT, ...more };
  const client = made(() =>
    typeof target === 'string'
      ? new Redis(target, own)
      : new Redis({ ...own, ...(hasSentinels(target) ? WITH_SENTINELS : {}), ...target }),
  );
  // The parameters of a URL come before other options. ioredis reads these ones when it uses them.
  Object.assign(client.options, FIXED_FOR_ONE);
  try {
    return checkClient(client, 'own');
  } catch (error) {
    client.disconnect();
    throw error;
  }
}

/** What ioredis throws may hold the URL with its password, so only its words are passed on. */
function made<T>(make: () => T): T {
  try {
    return inServiceContext(make);
  } catch (error) {
    throw new LockConfigError(
      `ioredis rejects the options: ${error instanceof Error ? error.message : 'unknown error'}.`,
    );
  }
}

/**
 * Opens a client for each of several independent nodes. A request that cannot be sent at once fails at once: the other
 * nodes decide.
 *
 * @throws LockConfigError if the options of one cannot be used; nothing stays open then
 */
export function openNodes(targets: readonly (string | RedisOptions)[]): OpenNode[] {
  const nodes: OpenNode[] = [];
  try {
    for (const target of targets) {
      const client = openClient(target, { enableOfflineQueue: false });
      nodes.push({ label: addressOf(target), client, openSubscriber: () => openSubscriberFor(client) });
    }
    return nodes;
  } catch (error) {
    for (const { client } of nodes) client.disconnect();
    throw error;
  }
}

/**
 * Opens a cluster client of our own. ioredis follows `MOVED` and `ASK`; what was sent to a node that is lost is not sent
 * again, and replicas are never asked.
 *
 * @throws LockConfigError if its options cannot be used; nothing stays open then
 */
export function openCluster(nodes: readonly ClusterNode[], options: ClusterOptions = {}): RedisClient {
  const own: ClusterOptions = {
    clusterRetryStrategy: retryStrategy,
    retryDelayOnTryAgain: TRY_AGAIN_PAUSE_MS,
    ...options,
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    scaleReads: 'master',
    enableAutoPipelining: false,
    // Without this queue, requests fail while the connection to a node is being opened.
    enableOfflineQueue: true,
    // With 0, ioredis hides what the servers reply.
    maxRedirections: options.maxRedirections === 0 ? undefined : options.maxRedirections,
    redisOptions: {
      connectTimeout: NODE_CONNECT_TIMEOUT_MS,
      disconnectTimeout: DISCONNECT_TIMEOUT_MS,
      connectionName: OWN_CLIENT.connectionName ?? '',
      ...options.redisOptions,
      ...FIXED,
    },
  };
  const cluster = made(() => new Cluster([...nodes], own));
  try {
    return checkClient(cluster, 'own');
  } catch (error) {
    cluster.disconnect();
    throw error;
  }
}

function addressOf(target: string | RedisOptions): string {
  // Not by a pattern: a password may hold what looks like the end of it.
  if (typeof target === 'string') return URL.canParse(target) ? new URL(target).host || 'localhost' : 'a server';
  return target.path ?? `${target.host ?? 'localhost'}:${String(target.port ?? 6379)}`;
}

/**
 * Of connections for notifications and for acknowledged writes: neither parks requests nor sends them again by itself. WAIT
 * answers for the writes of its own connection only, so neither may get onto another one.
 */
const BESIDE: RedisOptions = {
  ...FIXED_FOR_ONE,
  autoResubscribe: false,
  // Keys and channels are complete; a Cluster's redisOptions may contain a prefix that reaches its nodes' duplicates only.
  keyPrefix: '',
  enableOfflineQueue: false,
  enableReadyCheck: true,
  lazyConnect: false,
  disconnectTimeout: DISCONNECT_TIMEOUT_MS,
};

export const NODE_NOTIFICATIONS: Readonly<Record<string, unknown>> = {
  ...BESIDE,
  connectionName: 'nestjs-redis-lock:notices',
};
export const NODE_WRITES: Readonly<Record<string, unknown>> = { ...BESIDE, connectionName: 'nestjs-redis-lock:writes' };

/** Opens the connection for notifications beside `client`, with the same server and rights. */
export function openSubscriberFor(client: RedisClient, reporter?: Reporter): RedisClient {
  return openBeside(client, NODE_NOTIFICATIONS, reporter);
}

/** Opens a connection beside `client` for writes that replicas have to acknowledge. */
export function openWriterFor(client: RedisClient, reporter?: Reporter): RedisClient {
  return openBeside(client, NODE_WRITES, reporter);
}

function openBeside(client: RedisClient, options: Readonly<Record<string, unknown>>, reporter?: Reporter): RedisClient {
  const copy = inServiceContext(() =>
    client.duplicate({
      ...(hasSentinels(client.options) ? WITH_SENTINELS : {}),
      ...options,
      ...sameDatabase(client),
      retryStrategy,
    }),
  );
  return followCredentials(copy, client, reporter);
}

/** A duplicate has a client's options, not the database that was selected since. */
function sameDatabase(client: RedisClient): RedisOptions {
  const db = databaseOf(client);
  return db === undefined ? {} : { db };
}

function hasSentinels(options: { readonly sentinels?: unknown } | undefined): boolean {
  return Array.isArray(options?.sentinels) && options.sentinels.length > 0;
}

/**
 * Checks a client at start-up.
 *
 * @throws LockConfigError that says what to pass instead
 */
export function checkClient(client: unknown, of: OptionsOf = 'caller'): RedisClient {
  if (!isRedisClient(client)) {
    throw new LockConfigError('"client" must be an ioredis client (5.4 or later).');
  }
  checkClientOptions(client, of);
  if (Reflect.get(client, 'mode') === 'subscriber') {
    throw new LockConfigError(
      '"client" is in subscriber mode and can send no other commands. Pass a client of its own: client.duplicate().',
    );
  }
  return client;
}
