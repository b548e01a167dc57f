import type { RedisArgument, RedisClient } from './redis-client.js';

/**
 * Sends a command at once, also where the client has `enableAutoPipelining`. Before ioredis 5.11 a Cluster puts scripts
 * into the pipeline of a wrong node and rejects them, and a failed pipeline may be sent again as a whole.
 */
export function callAtOnce(client: RedisClient, command: string, ...args: RedisArgument[]): Promise<unknown> {
  return pipelines(client)
    ? // ioredis pipelines named methods and `call`, and nothing else.
      (Reflect.apply(client.createBuiltinCommand(command).string, client, args) as Promise<unknown>)
    : client.call(command, ...args);
}

type PipeliningClient = RedisClient & {
  createBuiltinCommand(command: string): { readonly string: (...args: RedisArgument[]) => unknown };
};

/** Whether the client queues commands in pipelines of its own. */
export function pipelines(client: RedisClient): client is PipeliningClient {
  const options = client.options as { readonly enableAutoPipelining?: unknown } | undefined;
  return Boolean(options?.enableAutoPipelining) && typeof Reflect.get(client, 'createBuiltinCommand') === 'function';
}
