import { LockConfigError } from '../../../errors/index.js';
import type { RedisClient } from './redis-client.js';

/** The source of the options: a caller's client, or the module's options for the service's own client. */
export type OptionsOf = 'caller' | 'own';

/** An ioredis option that cannot be used, and its replacement. */
interface Fault {
  readonly option: string;
  readonly why: string;
  /** The value to use, as source code. */
  readonly instead: string;
  /** Further advice. */
  readonly also?: string;
  /** Where a Cluster has the option: in its own options, or in those of its nodes. Default: `nodes`. */
  readonly at?: 'cluster' | 'nodes' | 'both';
}

/**
 * Rejects ioredis options that prevent locks from working.
 *
 * @throws LockConfigError whose message names what to pass instead
 */
export function checkClientOptions(client: RedisClient, of: OptionsOf): void {
  const fault = faultOf(client);
  if (fault === undefined) return;
  const { option, why, instead, also = '' } = fault;
  const remedy =
    of === 'own'
      ? `Leave "${option}" out of the ioredis options or the URL${also}.`
      : `Pass a client without it: ${duplicateWith(fault, isCluster(client), instead)}${also}.`;
  throw new LockConfigError(`The ioredis option "${option}" cannot be used for locks: ${why}. ${remedy}`);
}

/** The ioredis options of a client's connections; for a Cluster, of the connections to its nodes. */
export function connectionOptions(client: RedisClient): object {
  const options: unknown = isCluster(client) ? optionOf(client.options, 'redisOptions') : client.options;
  return typeof options === 'object' && options !== null ? options : {};
}

/**
 * Whether the client reconnects when a server does not know a script, which happens after each restart. With `2`, such
 * a client would resend the same request endlessly.
 */
export function reconnectsOnUnknownScript(client: RedisClient): boolean {
  const options = connectionOptions(client);
  const reconnectOnError = optionOf(options, 'reconnectOnError');
  if (typeof reconnectOnError !== 'function') return false;
  try {
    return Boolean(
      Reflect.apply(reconnectOnError, options, [new Error('NOSCRIPT No matching script. Please use EVAL.')]),
    );
  } catch {
    return false;
  }
}

export function optionOf(options: unknown, key: string): unknown {
  return typeof options === 'object' && options !== null ? (Reflect.get(options, key) as unknown) : undefined;
}

function faultOf(client: RedisClient): Fault | undefined {
  const cluster = isCluster(client);
  const connection = connectionOptions(client);
  const prefix = client.options?.keyPrefix ?? '';
  if (prefix.length > 0) {
    return {
      option: 'keyPrefix',
      why: `the prefix "${prefix}" would be added to their keys, but not to their channels`,
      instead: "''",
      also: `, and set the module option keyPrefix: '${prefix}lock:'`,
      at: 'both',
    };
  }
  if (optionOf(connection, 'monitor')) {
    return { option: 'monitor', why: 'a connection in monitor mode cannot send other commands', instead: 'false' };
  }
  if (optionOf(connection, 'commandTimeout') === 0) {
    return { option: 'commandTimeout', why: 'with 0, ioredis rejects each command at once', instead: 'undefined' };
  }
  if (optionOf(connection, 'role') === 'slave' && Array.isArray(optionOf(connection, 'sentinels'))) {
    return {
      option: 'role',
      why: 'with "slave", Sentinel returns a replica, which cannot grant locks',
      instead: "'master'",
    };
  }
  if (!cluster) return undefined;
  if (optionOf(connection, 'stringNumbers')) {
    const why = 'a Cluster then does not know which node serves some of the hash slots';
    return { option: 'stringNumbers', why, instead: 'false' };
  }
  const redirections = optionOf(client.options, 'maxRedirections');
  if (typeof redirections === 'number' && redirections < 1) {
    const why = 'with 0, a Cluster follows no redirection, and hides what the servers reply';
    return { option: 'maxRedirections', why, instead: '16', at: 'cluster' };
  }
  return undefined;
}

/** `redisOptions` is given in full, since a Cluster's `duplicate` does not merge it before ioredis 6. */
function duplicateWith({ option, at = 'nodes' }: Fault, cluster: boolean, instead: string): string {
  const value = `${option}: ${instead}`;
  if (!cluster) return `client.duplicate({ ${value} })`;
  const nodes = `redisOptions: { ...client.options.redisOptions, ${value} }`;
  return `client.duplicate([], { ${{ cluster: value, nodes, both: `${value}, ${nodes}` }[at]} })`;
}

function isCluster(client: RedisClient): boolean {
  return Reflect.get(client, 'isCluster') === true;
}
