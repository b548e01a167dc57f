import { Cluster, Redis, type ClusterNode, type ClusterOptions, type RedisOptions } from 'ioredis';
import { inServiceContext } from '../../../context/service-context.js';
import { LockConfigError } from '../../../errors/index.js';
import type { Reporter } from '../../../telemetry/reporter.js';
import { databaseOf } from './client-database.js';
import { checkClientOptions, type OptionsOf } from './client-options.js';
import { followCredentials } from './credentials.js';
import { isRedisClient, type RedisClient } from './redis-client.js';

/**
 * A client of one of several nodes, a function that opens its connection for notifications, and its address without a
 * password.
 */
export interface OpenNode {
  readonly label: string;
  readonly client: RedisClient;
  readonly openSubscriber: () => RedisClient;
}

const MAX_RECONNECT_DELAY_MS = 1_000;
/** ioredis keeps a timer for this long after a disconnect, even without a connection, which keeps the process alive. */
const DISCONNECT_TIMEOUT_MS = 100;

/** Reconnects as long as the service exists. Requests have their own timeouts meanwhile. */
function retryStrategy(attempt: number): number {
  return Math.min(attempt * 50, MAX_RECONNECT_DELAY_MS);
}

/** How long a Sentinel may take to reply before ioredis tries the next one, in ms. */
const SENTINEL_TIMEOUT_MS = 1_000;

/** Sentinels announce a failover, so that a connection to a master that is stopped or cut off is replaced at once. */
const WITH_SENTINELS: RedisOptions = { failoverDetector: true, sentinelCommandTimeout: SENTINEL_TIMEOUT_MS };

/** Short, since the cluster may have replaced a node that cannot be reached. */
const NODE_CONNECT_TIMEOUT_MS = 2_000;

/**
 * While a hash slot moves, ioredis retries a call with several of its locks up to 16 times with this pause, in ms. Only
 * calls with one lock can succeed then; the library sends them as soon as ioredis stops retrying.
 */
const TRY_AGAIN_PAUSE_MS = 10;

const OWN_CLIENT: RedisOptions = {
  retryStrategy,
  disconnectTimeout: DISCONNECT_TIMEOUT_MS,
  connectionName: 'nestjs-redis-lock',
};

/**
 * Options whose other values would make ioredis delay or resend requests, or discard replies. These values have
 * priority over the user's.
 */
const FIXED: RedisOptions = {
  // The lock service handles requests whose connection was lost.
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: null,
  reconnectOnError: null,
  enableAutoPipelining: false,
  // ioredis would discard late replies, which can still be used.
  commandTimeout: undefined,
  stringNumbers: false,
};
/** The library replaces silent connections itself, and WAIT may take long to reply. */
const FIXED_FOR_ONE: RedisOptions = { ...FIXED, socketTimeout: undefined };

/**
 * Opens the service's own client. It starts to connect at once.
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
  // The parameters of a URL have priority over other options, so these are set afterwards; ioredis reads them on use.
  Object.assign(client.options, FIXED_FOR_ONE);
  try {
    return checkClient(client, 'own');
  } catch (error) {
    client.disconnect();
    throw error;
  }
}

/** An error of ioredis may contain the URL with its password, so only its message is passed on. */
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
 * Opens a client for each of several independent nodes. A request that cannot be sent at once fails, and the other
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
 * Opens the service's own cluster client. ioredis follows `MOVED` and `ASK`. Requests to a lost node are not sent
 * again, and replicas are never used.
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
    // Without the queue, requests fail while the connection to a node is opening.
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
  // Parsed as a URL, and not split at "@", which a password may contain: the label must not show a part of it.
  if (typeof target === 'string') return URL.canParse(target) ? new URL(target).host || 'localhost' : 'a server';
  return target.path ?? `${target.host ?? 'localhost'}:${String(target.port ?? 6379)}`;
}

/**
 * Options of connections for notifications and for acknowledged writes: they neither queue requests nor send them
 * again. WAIT covers only the writes of its own connection, so a request must not move to another connection.
 */
const BESIDE: RedisOptions = {
  ...FIXED_FOR_ONE,
  autoResubscribe: false,
  // Keys and channels already have their prefix. A `keyPrefix` in a Cluster's redisOptions would have an effect only on
  // duplicates of its nodes, such as these connections.
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

/** Opens the connection for notifications, to the same server and with the same user as `client`. */
export function openSubscriberFor(client: RedisClient, reporter?: Reporter): RedisClient {
  return openBeside(client, NODE_NOTIFICATIONS, reporter);
}

/** Opens a connection to the server of `client` for writes that replicas must acknowledge. */
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

/** A duplicate has the client's options, and not the database that was selected since. */
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
 * @throws LockConfigError whose message names what to pass instead
 */
export function checkClient(client: unknown, of: OptionsOf = 'caller'): RedisClient {
  if (!isRedisClient(client)) {
    throw new LockConfigError('"client" must be an ioredis client (5.4 or later).');
  }
  checkClientOptions(client, of);
  if (Reflect.get(client, 'mode') === 'subscriber') {
    throw new LockConfigError(
      '"client" is in subscriber mode and cannot send other commands. Pass a separate client: client.duplicate().',
    );
  }
  return client;
}
