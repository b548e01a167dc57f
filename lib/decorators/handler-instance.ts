import type { ExecutionContext } from '@nestjs/common';
import { ContextIdFactory, type ContextId, type ModuleRef } from '@nestjs/core';

/**
 * Finds the instance whose handler is called, since Nest gives an interceptor only its class. Returns `undefined` for a
 * provider that is registered under a token other than its class, and for a request-scoped message handler, whose
 * request Nest does not pass to interceptors.
 *
 * @param moduleRef of the module that the class belongs to
 */
export function handlerInstance(
  context: ExecutionContext,
  moduleRef: ModuleRef,
): object | undefined | Promise<object | undefined> {
  const type = context.getClass<object>();
  try {
    return moduleRef.get<object>(type);
  } catch {
    // The instance is request-scoped, or registered under another token.
    const contextId = contextIdOf(requestOf(context));
    return contextId === undefined ? undefined : moduleRef.resolve(type, contextId).catch(() => undefined);
  }
}

/** The object on which Nest stores the context ID of the request. */
function requestOf(context: ExecutionContext): object | undefined {
  if (context.getType<string>() === 'graphql') return context.getArgByIndex<object>(2);
  return context.getType() === 'http' ? context.switchToHttp().getRequest<object>() : undefined;
}

/** The context ID that Nest gave to the request. Any other ID would resolve to another instance. */
function contextIdOf(request: object | undefined): ContextId | undefined {
  const find = () => ContextIdFactory.getByRequest(request as object, ['raw', 'req']);
  const id = find();
  // If the request has no ID, Nest returns a new one for each call.
  return id === find() ? id : undefined;
}
