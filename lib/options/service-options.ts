import type { ClusterNode, ClusterOptions, RedisOptions } from 'ioredis';
import { LockConfigError } from '../errors/index.js';
import type { MemoryState } from '../stores/memory/memory-state.js';
import {
  checkFlag,
  checkKnown,
  checkLease,
  checkMinReplicas,
  checkWait,
  checkWhole,
  DAY_MS,
  MAX_LEASE_MS,
  MAX_MS,
  show,
} from './checks.js';
import { checkConnection, CONNECTIONS } from './connection-checks.js';
import type { CallersClient } from '../stores/redis/connection/redis-client.js';
import type { LockLogger } from '../telemetry/lock-logger.js';

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
  | { readonly quorum: readonly (string | RedisOptions)[] }
  /**
   * Your own ioredis client, of one server or a cluster. It is never closed here; a second connection for notifications is
   * made from it.
   */
  | { readonly client: CallersClient }
  /** This process's memory, for tests. A `MemoryState` is shared by all services that are given it. */
  | { readonly memory: true | MemoryState };

/** Settings of a lock service; every duration is in ms. */
export interface LockSettings {
  /** How long a lease lasts, unless a caller says otherwise. Default 30 000. */
  readonly lease?: number;
  /** Whether leases are renewed, at a third of their length, for as long as they are held. Default `true`. */
  readonly renew?: boolean;
  /** How long callers wait for a taken lock unless they say otherwise. Default 10 000. */
  readonly wait?: number;
  /** Put before every name, in keys and in channels. Default `lock:`. */
  readonly keyPrefix?: string;
  /** How many callers may wait for one name in this process. Default 10 000. */
  readonly maxWaiting?: number;
  /** How long one request to Redis may take. Default 1 000, and never above a third of the lease. */
  readonly commandTimeout?: number;
  /** How long this process passes a lock on among its own callers before other processes get it. Default 50. */
  readonly handOverTime?: number;
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
   * Only with `quorum`: how long a node must have kept its state to have a vote, since it may have forgotten locks before. No
   * lease may be longer. The same in every service that uses the nodes; 0 if they never lose a write (AOF with
   * `appendfsync always`, no failover). Default `lease` + 1 000.
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

/** @internal Settings with every default filled in. */
export type ResolvedSettings = Required<LockSettings>;

const MAX_PREFIX_BYTES = 256;
const SETTINGS = [
  'lease',
  'renew',
  'wait',
  'keyPrefix',
  'maxWaiting',
  'commandTimeout',
  'handOverTime',
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
 * @internal Checks options at start-up and fills in the defaults.
 *
 * @throws LockConfigError that names the option
 */
export function resolveSettings(options: LockServiceOptions): ResolvedSettings {
  checkShape(options);
  const lease = checkLease('lease', options.lease ?? 30_000);
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
    lease,
    renew: checkFlag('renew', options.renew ?? true),
    wait: checkWait('wait', options.wait ?? 10_000),
    keyPrefix,
    maxWaiting: checkWhole('maxWaiting', options.maxWaiting ?? 10_000, 1, MAX_MS),
    commandTimeout: Math.max(1, Math.min(commandTimeout, Math.floor(lease / 3))),
    handOverTime: checkWhole('handOverTime', options.handOverTime ?? 50, 0, MAX_LEASE_MS),
    handOverCount: checkWhole('handOverCount', options.handOverCount ?? 1_000, 1, 1_000),
    tokenTtl: checkWhole('tokenTtl', options.tokenTtl ?? DAY_MS, 60_000, 365 * DAY_MS),
    minReplicas: checkMinReplicas(options.minReplicas ?? 0),
    restartGuard: checkGuard(options, lease),
    startup,
    startupTimeout: checkWhole('startupTimeout', options.startupTimeout ?? 5_000, 1, MAX_MS),
    shutdownTimeout: checkWhole('shutdownTimeout', options.shutdownTimeout ?? 10_000, 0, MAX_MS),
    logger: checkLogger(options.logger ?? false),
  };
}

function checkLogger(logger: unknown): LockLogger | false {
  if (logger === false) return false;
  if (typeof logger === 'object' && logger !== null && typeof Reflect.get(logger, 'warn') === 'function') {
    return logger as LockLogger;
  }
  throw new LockConfigError(`"logger" must be false or an object with a method warn(message), but is ${show(logger)}.`);
}

function checkGuard(options: LockServiceOptions, lease: number): number {
  const { restartGuard } = options;
  if (restartGuard === undefined) return lease + 1_000;
  if (!('quorum' in options)) throw new LockConfigError('"restartGuard" is an option of "quorum" only.');
  if (restartGuard !== 0 && restartGuard < lease) {
    throw new LockConfigError(
      `"restartGuard" (${show(restartGuard)}) must be 0, or not below "lease" (${String(lease)}).`,
    );
  }
  return checkWhole('restartGuard', restartGuard, 0, MAX_LEASE_MS);
}

function checkShape(options: unknown): asserts options is LockServiceOptions {
  if (typeof options !== 'object' || options === null) throw new LockConfigError('The lock options must be an object.');
  checkConnection(options, () => {
    checkKnown('The lock module', options, [...CONNECTIONS, ...SETTINGS]);
  });
}
