import type { ExecutionContext } from '@nestjs/common';
import 'reflect-metadata';
import type { DecoratorPlan } from './decorator-options.js';
import type { NameRenderer } from './name-source.js';

export type HandlerArgs = readonly [context: ExecutionContext];

/** The lock of one `@UseLock`. */
export interface HandlerLock {
  readonly plan: DecoratorPlan<HandlerArgs>;
  readonly render: NameRenderer<HandlerArgs>;
  /** Whether its name or an option may depend on the instance of the handler. */
  readonly needsInstance: boolean;
}

/** Not shared with another copy of the package: each copy takes the locks of its own decorators. */
const HANDLER_LOCKS = Symbol('nestjs-redis-lock/handler-locks');

/** The locks of a class, or of one handler, outermost first. */
export function locksOf(classOrHandler: object): readonly HandlerLock[] {
  return (Reflect.getMetadata(HANDLER_LOCKS, classOrHandler) ?? []) as readonly HandlerLock[];
}

/** Decorators run from the bottom up, so a later lock is an outer one. */
export function addLock(lock: HandlerLock, classOrHandler: object): void {
  Reflect.defineMetadata(HANDLER_LOCKS, [lock, ...locksOf(classOrHandler)], classOrHandler);
}

/** Nest's metadata for `@UseInterceptors`. */
const INTERCEPTORS = '__interceptors__';

/**
 * Makes `interceptor` the outermost one of a class or a handler, regardless of the order of the decorators: a
 * transaction that another interceptor opens must begin and commit under the lock.
 */
export function interceptFirst(interceptor: object, classOrHandler: object): void {
  const known = (Reflect.getMetadata(INTERCEPTORS, classOrHandler) ?? []) as readonly unknown[];
  const others = known.filter((each) => each !== interceptor);
  Reflect.defineMetadata(INTERCEPTORS, [interceptor, ...others], classOrHandler);
}
