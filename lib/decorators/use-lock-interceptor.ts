import { AsyncLocalStorage } from 'node:async_hooks';
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
import type { DecoratorPlan } from './decorator-options.js';
import type { NameRenderer } from './name-source.js';
import { requestRoot } from './request-roots.js';
import { streamUnderLock } from './under-lock.js';

type HandlerArgs = readonly [context: ExecutionContext];

/** A handler that runs under the lock of one `@UseLock`. */
interface Passage {
  readonly through: object;
  readonly outer: Passage | undefined;
  open: boolean;
}

const passages = new AsyncLocalStorage<Passage>();

/** Whether the calling code is a handler that runs under the lock of the `@UseLock` known as `through`. */
export function hasPassed(through: object): boolean {
  for (let passage = passages.getStore(); passage !== undefined; passage = passage.outer) {
    if (passage.through === through && passage.open) return true;
  }
  return false;
}

/** Makes the interceptor of one `@UseLock`, which `through` stands for. */
export function useLockInterceptor(
  plan: DecoratorPlan<HandlerArgs>,
  render: NameRenderer<HandlerArgs>,
  through: object,
): Type<NestInterceptor> {
  @Injectable()
  class UseLockInterceptor implements NestInterceptor {
    constructor(@Inject(getLockServiceToken(plan.connection)) private readonly service: LockService) {}

    intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
      return streamUnderLock({
        title: `${context.getClass().name}.${context.getHandler().name}`,
        plan,
        args: [context],
        request: () => ({ service: this.service, names: render([context], requestRoot(context)) }),
        run: () => {
          const passage: Passage = { through, outer: passages.getStore(), open: true };
          const close = () => {
            passage.open = false;
          };
          return passages.run(passage, () => next.handle()).pipe(finalize(close));
        },
      });
    }
  }
  return UseLockInterceptor;
}
