import type { LockBusyError } from '../errors/index.js';
import { ARGUMENT_ROOTS } from '../naming/name-template.js';
import { acquireOptionsFor, planOf, type LockDecoratorOptions } from './decorator-options.js';
import { serviceOf } from './injected-service.js';
import { lockedMethod } from './locked-method.js';
import { nameRenderer, type LockNameSource } from './name-source.js';
import type { LockedMethodDecorator } from './with-lock-types.js';

/**
 * Options of `@WithLock`; every duration is in ms.
 *
 * @publicApi
 */
export interface WithLockOptions<
  Args extends readonly unknown[] = readonly unknown[],
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- by default any instance will do
  Self = any,
> extends LockDecoratorOptions<Args, Self> {
  /**
   * Declares that the method returns an Observable. Needed only without the compiler option `emitDecoratorMetadata`, or
   * if the declared return type of the method is not an Observable.
   */
  readonly returns?: 'observable';
}

/**
 * Runs a method under a lock: of all calls with the same lock name, in this process and in all others, only one runs at
 * a time. Other calls wait for up to `wait` ms; if the lock is still taken then, `onBusy` decides what happens.
 *
 * Works on every method of a provider, controller, resolver or gateway that Nest creates or is given, for all callers.
 * Inside the method, `currentLease()` returns the lease. A nested call with the same lock name joins the lease.
 *
 * - A method that returns a promise holds the lock until the promise is settled.
 * - A method that returns an Observable holds it from subscription until the stream completes, fails or is unsubscribed
 *   from. Unsubscribing must end the work; if it does not, return a promise instead of `from(promise)`. Each
 *   subscription takes the lock and calls the method again.
 *
 * The lock must be outside of a transaction: put `@WithLock` above a decorator that opens one.
 *
 * The method never runs without its lock. Its result and its errors are passed on unchanged.
 *
 * @param name a template (`'order:<0.id>'`: `<0>` is the first argument), several, or a function of the arguments, which is
 *   called with the instance as `this`
 * @throws LockNameError, LockConfigError when the class is loaded, if the template, an option or the member cannot be
 *   used. A call rejects with the errors of `LockService.withLock`, with `LockNameError` if an argument cannot be part
 *   of a name, and with `LockConfigError` if its instance was created outside of Nest
 * @publicApi
 */
/* eslint-disable @typescript-eslint/no-explicit-any -- by default any arguments, any answer and any instance will do */
export function WithLock<Args extends readonly unknown[] = any[], Answer = any, Self = any>(
  name: LockNameSource<Args, Self>,
  options: Omit<WithLockOptions<Args, Self>, 'onBusy'> & {
    readonly onBusy: (busy: LockBusyError, ...args: Args) => Answer;
  },
): LockedMethodDecorator<Args, Answer, Self>;
export function WithLock<Args extends readonly unknown[] = any[], Self = any>(
  name: LockNameSource<Args, Self>,
  options: Omit<WithLockOptions<Args, Self>, 'onBusy'> & { readonly onBusy: 'skip' },
): LockedMethodDecorator<Args, undefined, Self>;
export function WithLock<Args extends readonly unknown[] = any[], Self = any>(
  name: LockNameSource<Args, Self>,
  options?: WithLockOptions<Args, Self>,
): LockedMethodDecorator<Args, never, Self>;
/* eslint-enable @typescript-eslint/no-explicit-any */
export function WithLock(
  name: LockNameSource<readonly unknown[], never>,
  options: WithLockOptions<readonly unknown[], never> = {},
): LockedMethodDecorator<readonly unknown[], never, object> {
  const plan = planOf(name, options, ['returns']);
  const render = nameRenderer(name, ARGUMENT_ROOTS, plan.acquire.label);
  return lockedMethod('@WithLock', plan, options.returns, (self, args, title) => ({
    service: serviceOf(self, plan.connection, title),
    names: render(self, args, (root) => args[Number(root)]),
    options: acquireOptionsFor(plan, self, title),
  }));
}
