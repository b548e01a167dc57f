import type { ExecutionContext } from '@nestjs/common';
import 'reflect-metadata';
import { LockConfigError } from '../errors/index.js';
import { LOCKED_CLASS } from '../tokens.js';
import { decoratedMethod, isAsync, replaceMethod, watchHandlers } from './decorated-method.js';
import { planOf, type LockDecoratorOptions } from './decorator-options.js';
import { addLock, interceptFirst, type HandlerLock } from './handler-locks.js';
import { injectService } from './injected-service.js';
import { nameRenderer, type LockNameSource } from './name-source.js';
import { callHandler, hasPassed } from './passage.js';
import { REQUEST_ROOTS } from './request-roots.js';
import { lockInterceptor } from './use-lock-interceptor.js';

/**
 * Options of `@UseLock`; every duration is in ms. `onBusy` is called with the error and Nest's `ExecutionContext`; its
 * result, `undefined` for `'skip'`, is the response.
 *
 * @publicApi
 */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- by default any instance will do
export type UseLockOptions<Self = any> = LockDecoratorOptions<readonly [context: ExecutionContext], Self>;

/**
 * Runs a handler, or every handler of a controller, resolver or gateway, under a lock that is named after the request.
 * It is an interceptor: guards run before the lock is taken, and pipes and the handler run under it. It is the
 * outermost interceptor of its handler and its class in any order of the decorators, so that a transaction of another
 * interceptor commits under the lock. Global interceptors run outside of it; a warning at start-up names them.
 *
 * The lock is held until the promise that the handler returned is settled, even if the client disconnects or an
 * interceptor unsubscribes before. If the handler returns an Observable, the lock is held until it completes, fails or
 * is unsubscribed from. Unsubscribing must end the work; if it does not, return a promise instead of `from(promise)`.
 * Data that a response still reads from a file or a Node.js stream is not part of the section.
 *
 * A placeholder begins with `params`, `query`, `body`, `headers`, `user` or `ip` for HTTP, with `data` for the payload
 * of a message, and with `args` for GraphQL. A request without the value fails with `LockNameError`, which
 * `LockExceptionFilter` answers with 400.
 *
 * Nest runs interceptors only for calls that come from a client. A handler that is called in another way (by other
 * code, by a timer, by an event) throws `LockConfigError`; `@WithLock` guards every call.
 *
 * @param name a template (`'cart:<params.id>'`), several, or a function of Nest's `ExecutionContext`, which is called with
 *   the instance as `this`
 * @throws LockNameError, LockConfigError when the class is loaded, if the template, an option or the member cannot be
 *   used
 * @publicApi
 */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- by default any instance will do
export function UseLock<Self = any>(
  name: LockNameSource<readonly [context: ExecutionContext], Self>,
  options: UseLockOptions<Self> = {},
): ClassDecorator & MethodDecorator {
  const plan = planOf(name, options);
  const render = nameRenderer(name, REQUEST_ROOTS, plan.acquire.label);
  const lock: HandlerLock = { plan, render, needsInstance: typeof name === 'function' || plan.ofInstance.length > 0 };
  const interceptor = lockInterceptor(plan.connection);

  return (target: object, key?: string | symbol, given?: PropertyDescriptor) => {
    if (key === undefined && typeof target === 'function') {
      // Read by the check at start-up: Nest runs no interceptors for a plain provider.
      injectService(target.prototype as object, plan.connection);
      Reflect.defineMetadata(LOCKED_CLASS, true, target);
      watchHandlers(target.prototype as object);
      addLock(lock, target);
      interceptFirst(interceptor, target);
      return;
    }
    const method = decoratedMethod('@UseLock', target, key, given);
    const { title, original, descriptor } = method;
    replaceMethod(method, function (this: unknown, ...args: unknown[]) {
      if (hasPassed(lock)) return callHandler(method, this, args);
      const error = new LockConfigError(
        `${title} was not run: @UseLock guards only calls that come from a client through Nest. For other calls, use @WithLock. ` +
          `In a test, send a request to the app: createNestApplication() of a testing module that imports ` +
          `RedisLockModule.forRoot({ memory: true }).`,
      );
      if (!isAsync(original)) throw error;
      return Promise.reject(error);
    });
    addLock(lock, descriptor.value as object);
    interceptFirst(interceptor, descriptor.value as object);
    // Interceptors of the class run outside of those of the handler.
    interceptFirst(interceptor, target.constructor);
  };
}
