import type { ClusterNode, ClusterOptions, RedisOptions } from 'ioredis';
import { LockConfigError } from '../errors/index.js';
import type { ServiceIdentity } from '../holders/holder-record.js';
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
import { checkWarnAfter, type WarnAfter } from './warn-after.js';
import type { CallersClient } from '../stores/redis/connection/redis-client.js';
import type { LockLogger } from '../telemetry/lock-logger.js';

/** The store of the locks: exactly one of these. */
export type LockConnection =
  /** A Redis URL. The service closes the connection. */
  | { readonly url: string }
  /** ioredis options, including those for Sentinel. The service closes the connection. */
  | { readonly redis: RedisOptions }
  /** Some nodes of a Redis Cluster, and ioredis's cluster options. The service closes the connections. */
  | { readonly cluster: { readonly nodes: readonly ClusterNode[]; readonly options?: ClusterOptions } }
  /**
   * 3 to 15 independent Redis servers, each a URL or ioredis options: a lock is held if a majority of them grants it.
   * An odd number is recommended. The service closes the connections.
   */
  | { readonly quorum: readonly (string | RedisOptions)[] }
  /**
   * Your own ioredis client, of one server or a cluster. The service never closes it, and duplicates it for a second
   * connection, which receives notifications.
   */
  | { readonly client: CallersClient }
  /** This process's memory, for tests. All services with the same `MemoryState` share their locks. */
  | { readonly memory: true | MemoryState };

/** Settings of a lock service; every duration is in ms. */
export interface LockSettings {
  /** The length of a lease, unless a call has its own. 10 to 86 400 000. Default 30 000. */
  readonly lease?: number;
  /** Whether a lease is renewed whenever a third of it has passed, for as long as the lock is held. Default `true`. */
  readonly renew?: boolean;
  /** How long a call waits for a taken lock, unless it has its own `wait`. 0 or more, or `Infinity`. Default 10 000. */
  readonly wait?: number;
  /** The prefix of every lock name in keys and channels of Redis. At most 256 bytes. Default `lock:`. */
  readonly keyPrefix?: string;
  /** How many callers may wait for one lock in this process; further ones get `LockBusyError`. Default 10 000. */
  readonly maxWaiting?: number;
  /** How long one request to Redis may take. Default 1 000, and never above a third of the lease. */
  readonly commandTimeout?: number;
  /** How long a process may hand a lock over to its own callers before other processes get it. Default 50. */
  readonly handOverTime?: number;
  /** How many of its own callers a process serves at most in that time. 1 to 1 000. Default 1 000. */
  readonly handOverCount?: number;
  /** How long Redis stores the last fencing token of a lock after its last use. Default 24 hours. */
  readonly tokenTtl?: number;
  /**
   * How many replicas must acknowledge each acquisition and renewal (`WAIT`), unless a call has its own number. 0 to
   * 100. Default 0.
   */
  readonly minReplicas?: number;
  /**
   * Only with `quorum`: how long a node has no vote after it may have lost its state, and locks with it. No lease may
   * be longer. It must be the same in every service that uses the nodes, and may be 0 if they never lose a write (AOF
   * with `appendfsync always`, no failover). Default `lease` + 1 000.
   */
  readonly restartGuard?: number;
  /**
   * `require`: start-up fails with `LockUnavailableError` if Redis cannot be reached within `startupTimeout`, or denies
   * a permission that locks need. `background`: start-up does not wait for Redis. Default `require`.
   */
  readonly startup?: 'require' | 'background';
  /** How long start-up waits for Redis. Default 5 000. */
  readonly startupTimeout?: number;
  /** How long a shutdown waits for running sections before their signals are aborted. Default 10 000. */
  readonly shutdownTimeout?: number;
  /**
   * The name and the version of the service, which other processes see when this one holds a lock (`inspect`, `LockBusyError`),
   * with the host and the process id. Each at most 100 characters. Default: the environment variables `OTEL_SERVICE_NAME`, or
   * `npm_package_name`, and `npm_package_version`, which npm sets. `false`: this process is not registered, and nothing is said
   * about others.
   */
  readonly service?: { readonly name?: string; readonly version?: string } | false;
  /**
   * After how long a lease that is held, and a caller that waits, is reported, unless a call has its own times: `{ held:
   * 30_000, waited: 5_000 }`. What is long depends on the work, so the default is `Infinity` for both: never. Terms of leaders
   * and runs of `runOnce` are not reported.
   */
  readonly warnAfter?: WarnAfter;
  /**
   * Gets one line for each event that an operator should know: a lost lock, failing renewals, a background start
   * without Redis, a shutdown that waits, a lease or a wait that is longer than `warnAfter`. Any object with a method `warn(message)`, or `false` for no warnings.
   * Default: Nest's `Logger` in `RedisLockModule`, none without Nest.
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
export type ResolvedSettings = Required<Omit<LockSettings, 'warnAfter' | 'service'>> & {
  readonly warnAfter: Required<WarnAfter>;
  readonly service: ServiceIdentity | false;
};

const MAX_PREFIX_BYTES = 256;
const MAX_TEXT_CHARS = 100;
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
  'service',
  'warnAfter',
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
    service: checkService(options.service ?? {}),
    warnAfter: { held: Infinity, waited: Infinity, ...checkWarnAfter(options.warnAfter ?? {}) },
    logger: checkLogger(options.logger ?? false),
  };
}

function checkService(service: unknown): ServiceIdentity | false {
  if (service === false) return false;
  if (typeof service !== 'object' || service === null) {
    throw new LockConfigError(`"service" must be false or an object: { name, version }, but is ${show(service)}.`);
  }
  checkKnown('"service"', service, ['name', 'version']);
  const { OTEL_SERVICE_NAME, npm_package_name, npm_package_version } = process.env;
  const { name = OTEL_SERVICE_NAME ?? npm_package_name, version = npm_package_version } = service as Record<
    string,
    unknown
  >;
  return { name: checkText('service.name', name), version: checkText('service.version', version) };
}

function checkText(option: string, value: unknown): string | undefined {
  if (value === undefined || value === '') return undefined;
  if (typeof value === 'string' && value.length <= MAX_TEXT_CHARS && value.isWellFormed()) return value;
  throw new LockConfigError(
    `"${option}" must be a string of at most ${String(MAX_TEXT_CHARS)} characters, but is ${show(value)}.`,
  );
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
