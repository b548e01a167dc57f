import type { ExecutionContext } from '@nestjs/common';
import { ContextIdFactory, type ContextId, type ModuleRef } from '@nestjs/core';

/**
 * The instance whose handler is being called, since an interceptor is told only its class; `undefined` where it cannot be
 * found: a provider with a token other than its class, or a request-scoped message handler, whose request Nest does not
 * show to interceptors.
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
    // It is request-scoped, or not known by its class.
    const contextId = contextIdOf(requestOf(context));
    return contextId === undefined ? undefined : moduleRef.resolve(type, contextId).catch(() => undefined);
  }
}

/** What Nest marks with the context ID of the request. */
function requestOf(context: ExecutionContext): object | undefined {
  if (context.getType<string>() === 'graphql') return context.getArgByIndex<object>(2);
  return context.getType() === 'http' ? context.switchToHttp().getRequest<object>() : undefined;
}

/** The ID that Nest gave to the request; with another one, the instance would be another, too. */
function contextIdOf(request: object | undefined): ContextId | undefined {
  const find = () => ContextIdFactory.getByRequest(request as object, ['raw', 'req']);
  const id = find();
  // Nest makes a new one for each call if the request has none.
  return id === find() ? id : undefined;
}
