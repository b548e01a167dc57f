import {
  Inject,
  Injectable,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
  type Type,
} from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { finalize, type Observable } from 'rxjs';
import type { LockService } from '../lock.service.js';
import { getLockServiceToken } from '../tokens.js';
import { acquireOptionsFor } from './decorator-options.js';
import { handlerInstance } from './handler-instance.js';
import { locksOf, type HandlerLock } from './handler-locks.js';
import { currentPassage, inPassage, isPassing, Passage } from './passage.js';
import { requestRoot } from './request-roots.js';
import { streamUnderLock, type LockRequest } from './under-lock.js';

const interceptors = new Map<string, Type<NestInterceptor>>();

/**
 * Returns the interceptor that takes all locks of one connection: first those of the class, then those of the handler.
 * If it is bound to a class, Nest also runs it for handlers without a lock.
 */
export function lockInterceptor(connection: string): Type<NestInterceptor> {
  let interceptor = interceptors.get(connection);
  if (interceptor === undefined) interceptors.set(connection, (interceptor = makeInterceptor(connection)));
  return interceptor;
}

function makeInterceptor(connection: string): Type<NestInterceptor> {
  @Injectable()
  class UseLockInterceptor implements NestInterceptor {
    constructor(
      @Inject(getLockServiceToken(connection)) private readonly service: LockService,
      @Inject(ModuleRef) private readonly moduleRef: ModuleRef,
    ) {}

    intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
      // The interceptor is bound to the class and to the handler, to be the outermost one of both: its second run takes
      // no lock.
      const locks = [...locksOf(context.getClass()), ...locksOf(context.getHandler())].filter(
        (lock) => lock.plan.connection === connection && !isPassing(lock, context),
      );
      return this.through(locks, context, next, currentPassage());
    }

    private through(
      [lock, ...inner]: readonly HandlerLock[],
      context: ExecutionContext,
      next: CallHandler,
      outer: Passage | undefined,
    ): Observable<unknown> {
      if (lock === undefined) return outer === undefined ? next.handle() : inPassage(outer, () => next.handle());
      let passage: Passage | undefined;
      const title = `${context.getClass().name}.${context.getHandler().name}`;
      const request = (instance?: object): LockRequest => ({
        service: this.service,
        names: lock.render(instance, [context], requestRoot(context)),
        options: acquireOptionsFor(lock.plan, instance, title),
      });
      return streamUnderLock({
        title,
        plan: lock.plan,
        args: [context],
        request: () => {
          const instance = lock.needsInstance ? handlerInstance(context, this.moduleRef) : undefined;
          return instance instanceof Promise ? instance.then(request) : request(instance);
        },
        run: () => {
          const here = (passage = new Passage(lock, context, outer));
          return this.through(inner, context, next, here).pipe(
            finalize(() => {
              here.end();
            }),
          );
        },
        abandon: () => passage?.abandon() ?? false,
        unfinished: () => passage?.unfinished(),
      });
    }
  }
  return UseLockInterceptor;
}
