import type { RedisArgument, RedisClient } from './redis-client.js';

/**
 * Sends a command at once, even if the client has `enableAutoPipelining`. Before ioredis 5.11, a Cluster puts scripts
 * into the pipeline of a wrong node and rejects them, and may send a whole failed pipeline again.
 */
export function callAtOnce(client: RedisClient, command: string, ...args: RedisArgument[]): Promise<unknown> {
  return pipelines(client)
    ? // ioredis pipelines only its command methods and `call`.
      (Reflect.apply(client.createBuiltinCommand(command).string, client, args) as Promise<unknown>)
    : client.call(command, ...args);
}

type PipeliningClient = RedisClient & {
  createBuiltinCommand(command: string): { readonly string: (...args: RedisArgument[]) => unknown };
};

/** Whether the client groups commands into pipelines by itself. */
export function pipelines(client: RedisClient): client is PipeliningClient {
  const options = client.options as { readonly enableAutoPipelining?: unknown } | undefined;
  return Boolean(options?.enableAutoPipelining) && typeof Reflect.get(client, 'createBuiltinCommand') === 'function';
}
