import { isIP } from 'node:net';

export interface ShopConfig {
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  /** The name of this process, in every response and in the table of rebuilds. */
  readonly replica: string;
  readonly databaseUrl: string;
  /** Connections of this process to the database. */
  readonly databasePool: number;
  /** How long a query waits for one of them to be free, or made. */
  readonly databaseWaitMs: number;
  readonly redisUrl: string;
  /** Put before every key in Redis, for several shops on one server. */
  readonly redisPrefix: string;
  /** How long a cached catalog is served without asking the database again. */
  readonly catalogTtlMs: number;
  /** The lease of a lock; it is renewed while a rebuild runs, so this is how long others wait after a crash. */
  readonly lockLeaseMs: number;
  /** How long a reader waits for the rebuild of another caller, and a customer for a permit of the supplier. */
  readonly lockWaitMs: number;
  /** The supplier's API, without a slash at the end. */
  readonly supplierUrl: string;
  /** What is written to the log: this level and those above it. */
  readonly logLevel: LogLevel;
  /** How long the process continues to serve requests after SIGTERM, while it reports that it is not ready. */
  readonly shutdownDelayMs: number;
}

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

export const SHOP_CONFIG = Symbol('SHOP_CONFIG');

const day = 86_400_000;

/** A variable is not valid. The message names the variable and contains no secret. */
export class ConfigError extends Error {}

/** Reads the configuration from the environment. Throws a `ConfigError` that names the variable if one is not valid. */
export function readConfig(env: NodeJS.ProcessEnv = process.env): ShopConfig {
  return {
    host: host(env),
    port: whole(env, 'PORT', 3000, 0, 65_535),
    replica: env.REPLICA ?? `replica-${String(process.pid)}`,
    databaseUrl: url(env, 'DATABASE_URL', ['postgres:', 'postgresql:']),
    databasePool: whole(env, 'DATABASE_POOL', 10, 1, 1_000),
    databaseWaitMs: whole(env, 'DATABASE_WAIT_MS', 20_000, 1, day),
    redisUrl: url(env, 'REDIS_URL', ['redis:', 'rediss:']),
    redisPrefix: env.REDIS_PREFIX ?? '',
    catalogTtlMs: whole(env, 'CATALOG_TTL_MS', 10 * 60_000, 1, day),
    lockLeaseMs: whole(env, 'LOCK_LEASE_MS', 30_000, 100, day),
    lockWaitMs: whole(env, 'LOCK_WAIT_MS', 10_000, 0, day),
    supplierUrl: url(env, 'SUPPLIER_URL', ['http:', 'https:'], 'http://127.0.0.1:3001').replace(/\/+$/, ''),
    logLevel: level(env),
    shutdownDelayMs: whole(env, 'SHUTDOWN_DELAY_MS', 2_000, 0, 60_000),
  };
}

/** The whole number in a variable, or `fallback` if it is not set. Throws if it is not valid. */
export function whole(env: NodeJS.ProcessEnv, name: string, fallback: number, min: number, max: number): number {
  const text = env[name];
  if (text === undefined || text === '') return fallback;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw new ConfigError(`${name} must be a whole number from ${String(min)} to ${String(max)}, but is "${text}".`);
}

function host(env: NodeJS.ProcessEnv): string {
  const text = env.HOST ?? '';
  if (text === '') return '127.0.0.1';
  if (isIP(text) !== 0 || /^[a-z\d]([a-z\d.-]{0,251}[a-z\d])?$/i.test(text)) return text;
  throw new ConfigError(`HOST must be an IP address, such as 127.0.0.1 or ::1, or a host name, but is "${text}".`);
}

function level(env: NodeJS.ProcessEnv): LogLevel {
  const text = env.LOG_LEVEL ?? '';
  const known = logLevels.find((name) => name === (text === '' ? 'info' : text));
  if (known !== undefined) return known;
  throw new ConfigError(`LOG_LEVEL must be one of ${logLevels.join(', ')}, but is "${text}".`);
}

function url(env: NodeJS.ProcessEnv, name: string, protocols: readonly string[], fallback = ''): string {
  const given = env[name] ?? '';
  const text = given === '' ? fallback : given;
  // The value is not shown: it may hold a password.
  if (!protocols.some((protocol) => text.startsWith(`${protocol}//`))) {
    throw new ConfigError(
      `${name} must be set to a URL that begins with ${protocols.map((p) => `${p}//`).join(' or ')}.`,
    );
  }
  if (!URL.canParse(text) || new URL(text).hash !== '') {
    throw new ConfigError(
      `${name} is not a valid URL. In a password, write # as %23, / as %2F, ? as %3F, @ as %40, % as %25.`,
    );
  }
  return text;
}
