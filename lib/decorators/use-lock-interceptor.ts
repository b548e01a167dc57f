import {
  Inject,
  Injectable,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
  type Type,
} from '@nestjs/common';
import { finalize, type Observable } from 'rxjs';
import type { LockService } from '../lock.service.js';
import { getLockServiceToken } from '../tokens.js';
import { locksOf, type HandlerLock } from './handler-locks.js';
import { currentPassage, inPassage, isPassing, Passage } from './passage.js';
import { requestRoot } from './request-roots.js';
import { streamUnderLock } from './under-lock.js';

const interceptors = new Map<string, Type<NestInterceptor>>();

/**
 * The interceptor that takes all locks of one connection: those of the class first, then those of the handler. Nest runs
 * it for each handler of a class that it is bound to, also for those without a lock.
 */
export function lockInterceptor(connection: string): Type<NestInterceptor> {
  let interceptor = interceptors.get(connection);
  if (interceptor === undefined) interceptors.set(connection, (interceptor = makeInterceptor(connection)));
  return interceptor;
}

function makeInterceptor(connection: string): Type<NestInterceptor> {
  @Injectable()
  class UseLockInterceptor implements NestInterceptor {
    constructor(@Inject(getLockServiceToken(connection)) private readonly service: LockService) {}

    intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
      // It is bound to the class and to the handler, so that it is the outermost one in both: the second takes no lock.
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
      return streamUnderLock({
        title: `${context.getClass().name}.${context.getHandler().name}`,
        plan: lock.plan,
        args: [context],
        request: () => ({ service: this.service, names: lock.render([context], requestRoot(context)) }),
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
