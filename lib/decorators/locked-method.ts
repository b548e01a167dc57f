import { LockConfigError } from '../errors/index.js';
import { show } from '../options/checks.js';
import { decoratedMethod, isAsync, replaceMethod, returnsObservable, returnsPromise } from './decorated-method.js';
import type { DecoratorPlan } from './decorator-options.js';
import { injectService } from './injected-service.js';
import {
  promiseUnderLock,
  streamUnderLock,
  unknownUnderLock,
  type LockedCall,
  type LockRequest,
} from './under-lock.js';

/** The lock of one call. Throws if the arguments do not give a valid name, or if an option is not valid. */
type RequestOf = (self: unknown, args: readonly unknown[], title: string) => LockRequest;

/**
 * A method decorator that runs the method under a lock, or with permits.
 *
 * @param decorator its name in messages
 * @param returns the option `returns`
 * @throws LockConfigError if it is not valid
 */
export function lockedMethod(
  decorator: string,
  plan: DecoratorPlan<readonly unknown[]>,
  returns: unknown,
  requestOf: RequestOf,
): (target: object, key: string | symbol, given?: PropertyDescriptor) => void {
  if (returns !== undefined && returns !== 'observable') {
    throw new LockConfigError(`"returns" must be 'observable' or be left out, but is ${show(returns)}.`);
  }
  return (target, key, given) => {
    const method = decoratedMethod(decorator, target, key, given);
    const { title, original } = method;
    const isStream = returns === 'observable' || returnsObservable(target, key);
    if (isStream && isAsync(original)) {
      throw new LockConfigError(`${title} is async and returns a promise. Leave out returns: 'observable'.`);
    }
    const isPromise = isAsync(original) || returnsPromise(target, key);
    const underLock = isStream ? streamUnderLock : isPromise ? promiseUnderLock : unknownUnderLock;

    injectService(target, plan.connection);
    replaceMethod(method, function (this: unknown, ...args: unknown[]) {
      const call: LockedCall<readonly unknown[]> = {
        title,
        plan,
        args,
        request: () => requestOf(this, args, title),
        run: () => Reflect.apply(original, this, args),
      };
      return underLock(call);
    });
  };
}
