import { AsyncResource } from 'node:async_hooks';

/**
 * The symbols under which Node stores the async context of a resource: the first up to Node 22, the second from Node
 * 24.
 */
const CONTEXT_SYMBOLS = ['kResourceStore', 'context_frame'];

/**
 * The empty async context. Without it, a timer, tick or connection that serves many callers would run in the context of
 * the caller that happened to start it: renewals would appear in the trace of a request that has ended, its data would
 * stay in memory, and an abort listener could join the lease of another caller.
 */
const scope = emptyScope();

/** Runs `run`, and everything that it starts (timers, ticks, promises, connections), in the empty async context. */
export function inServiceContext<Args extends unknown[], Result>(
  run: (this: unknown, ...args: Args) => Result,
  thisArg?: unknown,
  ...args: Args
): Result {
  return scope.runInAsyncScope(run, thisArg, ...args);
}

function emptyScope(): AsyncResource {
  const resource = new AsyncResource('nestjs-redis-lock');
  // A new resource captures the context of the code that loads this module, which is that of a request if the module is
  // loaded lazily. Node has no public API for an empty context. If these symbols change, the captured context remains.
  for (const symbol of Object.getOwnPropertySymbols(resource)) {
    if (CONTEXT_SYMBOLS.includes(symbol.description ?? '')) Reflect.set(resource, symbol, undefined);
  }
  return resource;
}
